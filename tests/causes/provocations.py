"""Causes: functions that bring about each state of a stage, by the calls, clicks and answers that lead to it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings as portal_settings
from django.test import Client as Browser
from django.utils import timezone

from integrations import mail
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import (
    Connection,
    Consent,
    Customer,
    Invitation,
    PartnerConfiguration,
    User,
    Webhook,
)
from integrations.outbox import clock, deliveries
from integrations.outbox.models import Delivery, Heartbeat, Stream
from integrations.outbox.scheduling.watchdog import HeartbeatRecorder, Watchdog
from integrations.webhooks import events
from orders import attachments, expiry, leases, results
from orders.models import Order
from orders.privacy import erasure
from tests import rows
from tests.causes.stage import DORA, PAIR, Provoke, Stage
from tests.integrations.outbox.peer import Answer
from tests.integrations.simulator.process import free_port
from tests.orders import bodies

BACKEND = "django.core.mail.backends.{}.EmailBackend"
PDF = b"%PDF-1.4\n%%EOF\n"


def _name(cause: Provoke, name: str) -> Provoke:
    """Name the product of a factory, for the ids of the tests."""
    cause.__name__ = name
    return cause


def _statuses(answers: Sequence[Answer]) -> str:
    return "_".join("broken" if answer.breaks_off else str(answer.status) for answer in answers)


def nothing(stage: Stage) -> None:
    pass


# Emails


def send_emails(stage: Stage) -> None:
    stage.carry_emails()


def use_backend(name: str) -> Provoke:
    def send_with_backend(stage: Stage) -> None:
        stage.settings.EMAIL_BACKEND = BACKEND.format(name)
        stage.settings.EMAIL_FILE_PATH = str(stage.settings.PORTAL_DATA_DIR)
        stage.carry_emails()

    return _name(send_with_backend, f"write_to_{name}")


def close_mail_server(stage: Stage) -> None:
    stage.settings.EMAIL_PORT = free_port()
    stage.carry_emails()


def refuse_recipient(stage: Stage) -> None:
    stage.mailbox.refusal = "550 5.1.1 no such user"
    stage.carry_emails()


def order_without_email(stage: Stage) -> None:
    Order.objects.update(candidate_email="")
    stage.carry_emails()


def hold_emails(stage: Stage) -> None:
    """Put all email streams on hold, as staff."""
    Stream.objects.get_or_create(name=mail.ACCOUNT_STREAM)
    for stream in Stream.objects.filter(name__startswith=mail.ACCOUNT_STREAM):
        stage.staff(f"/admin/outbox/stream/{stream.pk}/act/hold/", {})


def complete_before_invitation(stage: Stage) -> None:
    results.report(stage.order.pk, {"status": "COMPLETED"}, by="engine")
    stage.carry_emails()


def expire_before_invitation(stage: Stage) -> None:
    stage.package.expires_after_days = 1
    stage.package.save()
    Order.objects.update(created_at=timezone.now() - timedelta(days=2))
    stage.carry_emails()


def erase_before_invitation(stage: Stage) -> None:
    erasure.erase_candidate_of(stage.order)


def erase_after_log(stage: Stage) -> None:
    use_backend("console")(stage)
    erasure.erase_candidate_of(stage.order)


# Results


def report(stage: Stage, **changes: Any) -> None:
    results.report(stage.order.pk, {"status": "COMPLETED", **changes}, by="engine", correction="typo")


def deliver_result(stage: Stage) -> None:
    report(stage)
    stage.carry()


def report_only(stage: Stage) -> None:
    report(stage)


def answer_result(*answers: Answer, times: int = 1) -> Provoke:
    def report_and_carry(stage: Stage) -> None:
        stage.answer("/results", *answers)
        report(stage)
        stage.carry(times=times)

    return _name(report_and_carry, f"answer_result_{_statuses(answers)}")


def correct_in_vain(stage: Stage) -> None:
    deliver_result(stage)
    stage.answer("/results", Answer(422, {"message": "The order is closed."}))
    report(stage, summary="Better.")
    stage.carry()


def correct_without_answer(stage: Stage) -> None:
    deliver_result(stage)
    stage.answer("/results", Answer(breaks_off=True))
    report(stage, summary="Better.")
    stage.carry()


def close_smartrecruiters(stage: Stage) -> None:
    stage.settings.SMARTRECRUITERS_API_URL = f"http://127.0.0.1:{free_port()}"
    Connection.objects.update(access_token_expires_at=None)
    report(stage)
    stage.carry()


def close_with_token(stage: Stage) -> None:
    """Let SmartRecruiters go away after it gave a token."""
    carry_all(stage)
    stage.settings.SMARTRECRUITERS_API_URL = f"http://127.0.0.1:{free_port()}"
    report(stage)
    stage.carry()


def pause_by_another(stage: Stage) -> None:
    """Ask another call of the company to wait, before the result is reported."""
    pause_connection(stage)
    report(stage)


def refuse_credentials(stage: Stage) -> None:
    stage.rules["/identity/oauth/token"] = [Answer(401)]
    report(stage)
    stage.carry()


def hold_by_staff(stage: Stage) -> None:
    report(stage)
    stream = Stream.objects.get(name=stage.connection.stream_name)
    stage.response = stage.staff(f"/admin/outbox/stream/{stream.pk}/act/hold/", {})


def disconnect_with_result(stage: Stage) -> None:
    report(stage)
    stage.disconnect()


def fail_then_disconnect(stage: Stage) -> None:
    answer_result(Answer(422))(stage)
    stage.disconnect()


def erase_delivered(stage: Stage) -> None:
    deliver_result(stage)
    erasure.erase_candidate_of(stage.reload())


def erase_undelivered(stage: Stage) -> None:
    answer_result(Answer(422))(stage)
    erasure.erase_candidate_of(stage.reload())


def refuse_reads(stage: Stage) -> None:
    stage.answer("/candidates/", Answer(401))
    stage.carry()


def fail_invitation_of_completed(stage: Stage) -> None:
    refuse_recipient(stage)
    results.report(stage.order.pk, {"status": "COMPLETED"}, by="engine")


# Reports by staff


def report_by_staff(before: Provoke, **form: str) -> Provoke:
    def post_report(stage: Stage) -> None:
        before(stage)
        fields = {"status": "COMPLETED", "correction": "typo", **form}
        stage.response = stage.staff(f"{stage.page_of(stage.order)}report/", fields)

    return _name(post_report, f"report_after_{before.__name__}")


def hold_connection(stage: Stage) -> None:
    deliveries.hold_stream(stage.connection.stream_name, deliveries.HELD_BY_STAFF)


def pause_connection(stage: Stage, *, seconds: int = 60) -> None:
    """Answer all reads with 503. A success beside it would end the pause."""
    for path in ("/candidates/", "/jobs/"):
        stage.answer(path, Answer(503, {}, {"Retry-After": str(seconds)}))
    stage.carry()


# Replays


def replay(before: Provoke, kind: str, action: str = "replay", *, does: bool = True) -> Provoke:
    def send_again(stage: Stage) -> None:
        before(stage)
        page = f"{stage.page_of(stage.delivery(kind))}act/{action}/"
        stage.response = stage.staff(page, {} if does else None)

    return _name(send_again, f"{action}_after_{before.__name__}")


def fail_once(stage: Stage) -> None:
    answer_result(Answer(500))(stage)


def fail_then_pause(stage: Stage) -> None:
    fail_once(stage)
    stage.answer("/results", Answer(503, {}, {"Retry-After": "60"}))
    stage.wait(seconds=10)
    stage.carry()


# Uploads


def refuse_recipient_and_disconnect(stage: Stage) -> None:
    refuse_recipient(stage)
    stage.disconnect()


def lose_upload(stage: Stage) -> None:
    Connection.objects.update(report_delivery="upload")
    stage.answer("/results", Answer(422))  # its answer would tell what became of the upload
    stage.answer("/attachment", Answer(breaks_off=True))
    attachments.add_file(stage.order.pk, PDF, name="report.pdf", by="engine")
    report(stage)
    stage.carry()


def confirm_upload_by_person(stage: Stage) -> None:
    lose_upload(stage)
    stage.staff(f"{stage.page_of(stage.delivery('upload'))}act/settle/", {})


def erase_lost_upload(stage: Stage) -> None:
    lose_upload(stage)
    erasure.erase_candidate_of(stage.reload())


# Workers


def leave_overdue(stage: Stage) -> None:
    Delivery.objects.update(due_at=clock.now() - timedelta(minutes=6))


def leave_overdue_with_worker(stage: Stage) -> None:
    leave_overdue(stage)
    HeartbeatRecorder()()
    Watchdog("courier@here", is_dispatcher=False).record_heartbeat()


def leave_overdue_after_worker(stage: Stage) -> None:
    leave_overdue_with_worker(stage)
    Heartbeat.objects.update(at=clock.now() - timedelta(minutes=3))


def pause_for_long(stage: Stage) -> None:
    pause_connection(stage, seconds=600)
    stage.carry_emails()
    stage.wait(minutes=6)


def carry_all(stage: Stage) -> None:
    stage.carry()
    stage.carry_emails()


def pause_last_delivery(stage: Stage) -> None:
    """Leave one delivery, which waits for the end of a pause."""
    carry_all(stage)
    stage.answer("/results", Answer(503, {}, {"Retry-After": "600"}))
    report(stage)
    stage.carry()


def disable_webhook(stage: Stage) -> None:
    webhook = stage.register_webhook()
    stage.answer("/hook", Answer(410))
    stage.staff(f"{stage.page_of(webhook)}act/test/", {})
    stage.carry(webhook.stream_name)


def pause_webhook(stage: Stage) -> None:
    webhook = stage.register_webhook()
    stage.answer("/hook", Answer(429, {}, {"Retry-After": "60"}))
    stage.staff(f"{stage.page_of(webhook)}act/test/", {})
    stage.carry(webhook.stream_name)


def hold_webhook(stage: Stage) -> None:
    deliveries.hold_stream(stage.register_webhook().stream_name, deliveries.HELD_BY_STAFF)


# Connections


def connect_anew(stage: Stage) -> None:
    """Disconnect here, and connect again."""
    stage.disconnect()
    stage.exchange(Answer(200, PAIR))
    stage.connection.refresh_from_db()


def answer_exchange(*answers: Answer) -> Provoke:
    def approve_and_carry(stage: Stage) -> None:
        stage.disconnect()
        stage.exchange(*answers)
        stage.connection.refresh_from_db()

    return _name(approve_and_carry, f"answer_exchange_{_statuses(answers)}")


def never_answer_exchange(stage: Stage) -> None:
    """Answer with errors for as long as the schedule lasts."""
    stage.disconnect()
    stage.answer("/integration/company/", Answer(500))
    stage.approve()
    stage.carry("master")
    stage.wait(days=8)
    stage.carry("master", times=2)
    stage.connection.refresh_from_db()


def approve_without_master(stage: Stage) -> None:
    stage.settings.SMARTRECRUITERS_CLIENT_ID = stage.settings.SMARTRECRUITERS_CLIENT_SECRET = ""
    stage.disconnect()
    stage.approve()
    stage.carry("master")
    stage.connection.refresh_from_db()


def approve_without_token(stage: Stage) -> None:
    stage.disconnect()
    stage.rules["/identity/oauth/token"] = [Answer(500)]
    stage.approve()
    stage.carry("master")
    stage.connection.refresh_from_db()


def approve_only(stage: Stage) -> None:
    stage.disconnect()
    stage.approve()
    stage.connection.refresh_from_db()


def repeat_on_live(stage: Stage) -> None:
    stage.exchange(Answer(409))


def disconnect_while_connecting(stage: Stage) -> None:
    approve_only(stage)
    stage.disconnect()


def disconnect_after_connecting(stage: Stage) -> None:
    connect_anew(stage)
    stage.disconnect()


def disconnect_by_customer(stage: Stage) -> None:
    stage.customers("/connections/northwind/disconnect", {})
    stage.connection.refresh_from_db()


def disconnect_by_smartrecruiters(stage: Stage) -> None:
    key = PartnerConfiguration.load().disable_key
    assert Browser().delete(f"/smartrecruiters/{key}/integrations/companies/northwind").status_code == 204
    stage.connection.refresh_from_db()


def refuse_credentials_of_connection(stage: Stage) -> None:
    """Refuse their credentials, while SmartRecruiters has ours, so that orders can still come in."""
    rows.make_client(stage.connection)
    refuse_credentials(stage)
    stage.connection.refresh_from_db()


def answer_ben(*answers: Answer) -> Provoke:
    """Let Alice connect, and SmartRecruiters answer a later approval of Ben."""

    def connect_then_answer(stage: Stage) -> None:
        connect_anew(stage)
        stage.exchange(*answers, by=stage.ben)

    return _name(connect_then_answer, f"answer_ben_{_statuses(answers)}")


def approve_by_ben(stage: Stage) -> None:
    connect_anew(stage)
    stage.approve(by=stage.ben)


def disconnect_while_ben_connects(stage: Stage) -> None:
    approve_by_ben(stage)
    stage.disconnect()


def lose_answer_to_ben_and_refuse(stage: Stage) -> None:
    """Lose the answer to Ben's approval, then refuse the credentials of Alice's."""
    answer_ben(Answer(502), Answer(409))(stage)
    Connection.objects.update(access_token_expires_at=None)
    refuse_credentials(stage)


def disconnect_then_answer_ben(*answers: Answer) -> Provoke:
    def disconnect_then_answer(stage: Stage) -> None:
        disconnect_after_connecting(stage)
        if answers:
            stage.exchange(*answers, by=stage.ben)
        else:
            stage.approve(by=stage.ben)

    return _name(disconnect_then_answer, f"disconnect_then_answer_ben_{_statuses(answers)}")


def lose_first_answer(stage: Stage) -> None:
    answer_exchange(Answer(502), Answer(409))(stage)


def reconnect_without_administrators(stage: Stage) -> None:
    refuse_credentials(stage)
    User.objects.filter(staff_role="").update(is_active=False)


def stop_engine_for_long(stage: Stage) -> None:
    """Let nobody listen at an endpoint for six minutes, with more messages than the circuit breaker needs."""
    webhook = stage.register_webhook()
    Webhook.objects.update(url=f"http://127.0.0.1:{free_port()}/hook")
    for _ in range(6):
        bodies.place_order(stage.connection)
    events.assign_numbers()
    stage.carry(webhook.stream_name)
    carry_all(stage)
    stage.wait(minutes=5, seconds=30)
    stage.carry(webhook.stream_name)


def deny(stage: Stage) -> None:
    stage.customers("/smartrecruiters/integration?companyId=northwind")
    consent = Consent.objects.latest("pk")
    stage.response = stage.customers(f"/smartrecruiters/integration/{consent.key}", {"decision": "deny"})


# Invitations


def invite(stage: Stage) -> None:
    stage.invite()


def invite_and_send(stage: Stage) -> None:
    stage.invite()
    stage.carry_emails()


def invite_with_backend(name: str) -> Provoke:
    def invite_and_write(stage: Stage) -> None:
        stage.settings.EMAIL_BACKEND = BACKEND.format(name)
        stage.settings.EMAIL_FILE_PATH = str(stage.settings.PORTAL_DATA_DIR)
        stage.invite()
        stage.carry_emails()

    return _name(invite_and_write, f"invite_to_{name}")


def invite_while_held(stage: Stage) -> None:
    hold_emails(stage)
    stage.invite()


def invite_in_vain(stage: Stage) -> None:
    stage.mailbox.refusal = "550 5.1.1 no such user"
    invite_and_send(stage)


def invite_without_server(stage: Stage) -> None:
    stage.settings.EMAIL_PORT = free_port()
    invite_and_send(stage)


def open_link(before: Callable[[Stage, Invitation], object]) -> Provoke:
    def invite_then_open(stage: Stage) -> None:
        invitation = stage.invite()
        url = invitations.invitation_url(invitation).removeprefix(portal_settings.PUBLIC_URL)
        before(stage, invitation)
        stage.response = Browser().get(url)

    return _name(invite_then_open, f"open_after_{before.__name__}")


def join_with_account(stage: Stage) -> None:
    """Open the form, create an account with the address, and send the form."""
    url = invitations.invitation_url(stage.invite()).removeprefix(portal_settings.PUBLIC_URL)
    rows.make_user(rows.make_customer("Harbour Clinics"), DORA)
    form = {"name": "Dora", "password1": "a long way to the sea", "password2": "a long way to the sea"}
    stage.response = Browser().post(url, form)


def accept(stage: Stage, invitation: Invitation) -> None:
    invitations.accept_as_new_user(invitation, name="Dora", password="a long way to the sea")


def revoke(stage: Stage, invitation: Invitation) -> None:
    invitations.revoke_invitation(invitation, actor=Actor(stage.alice))


def outlive(stage: Stage, invitation: Invitation) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def deactivate(stage: Stage, invitation: Invitation) -> None:
    Customer.objects.update(is_active=False)


# The partner configuration


def publish(stage: Stage) -> None:
    stage.response = stage.staff("/admin/integrations/partnerconfiguration/publish/", {})


def publish_without_master(stage: Stage) -> None:
    stage.settings.SMARTRECRUITERS_CLIENT_ID = stage.settings.SMARTRECRUITERS_CLIENT_SECRET = ""
    publish(stage)


def publish_refused(stage: Stage) -> None:
    stage.rules["/identity/oauth/token"] = [Answer(401)]
    publish(stage)


def publish_refused_from_page(stage: Stage) -> None:
    stage.settings.SMARTRECRUITERS_CLIENT_ID = stage.settings.SMARTRECRUITERS_CLIENT_SECRET = ""
    row = PartnerConfiguration.load()
    row.master_client_id, row.master_client_secret = "master", "old"
    row.save()
    publish_refused(stage)


def publish_during_outage(stage: Stage) -> None:
    stage.rules["/identity/oauth/token"] = [Answer(503)]
    publish(stage)


# Candidates


def launch(stage: Stage) -> None:
    leases.accept_order(stage.order.pk, launch_url="https://engine.example/1", by="engine")


def launch_without_email(stage: Stage) -> None:
    Order.objects.update(candidate_email="")
    launch(stage)


def expire_by_time(stage: Stage) -> None:
    expire_before_invitation(stage)
    expiry.expire_due()


def expire_by_engine(stage: Stage) -> None:
    launch(stage)
    results.report(stage.order.pk, {"status": "IN_PROGRESS"}, by="engine")
    results.report(stage.order.pk, {"status": "EXPIRED"}, by="engine")
