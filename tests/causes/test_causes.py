"""Every sentence of a page is derived from what happened: a table of states, their causes, and what is said of each.

Each row provokes its cause for real, and compares whole sentences of whole pages. A sentence of a row must be on its
page, and those of the other causes of the same state must not.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.test import Client as Browser

from integrations.models import CompanyConfirmation, Invitation, Webhook
from tests import rows
from tests.causes import provocations as p
from tests.causes.sentences import read_sentences
from tests.causes.stage import DORA, PAIR, Provoke, Stage, run_mail_server
from tests.integrations.outbox.peer import Answer, run_peer

pytestmark = pytest.mark.django_db(transaction=True)


class Row(NamedTuple):
    """A cause of a state, and what a page says of it. The first sentence stands for this cause alone."""

    state: str
    cause: Provoke
    page: str
    said: tuple[str, ...]
    unsaid: tuple[str, ...] = ()


@pytest.fixture
def stage(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with run_peer() as peer, run_mail_server(settings) as mailbox:
        settings.SMARTRECRUITERS_API_URL = peer.url
        settings.SMARTRECRUITERS_CLIENT_ID, settings.SMARTRECRUITERS_CLIENT_SECRET = "master", "master-secret"
        settings.WEBHOOKS_ALLOW_PRIVATE = True
        rows.configure_partner(company_confirmation=CompanyConfirmation.NEVER)
        yield Stage(peer, mailbox, settings, monkeypatch)


PAGES: dict[str, Callable[[Stage], Any]] = {
    "answer": lambda stage: stage.response,
    "candidate": lambda stage: stage.candidate(),
    "candidate, done": lambda stage: stage.candidate("/done"),
    "connection": lambda stage: stage.staff(f"{stage.page_of(stage.connection)}change/"),
    "consent": lambda stage: stage.progress(),
    "customer": lambda stage: stage.staff(f"{stage.page_of(stage.customer)}change/"),
    "deliveries": lambda stage: stage.staff("/admin/outbox/delivery/"),
    "delivery, candidate": lambda stage: stage.staff(f"{stage.page_of(stage.delivery('candidate'))}change/"),
    "delivery, invitation": lambda stage: stage.staff(f"{stage.page_of(stage.delivery('invitation'))}change/"),
    "email to Alice": lambda stage: stage.read_email(stage.alice),
    "email to Stella": lambda stage: stage.read_email(stage.stella),
    "home": lambda stage: stage.customers("/"),
    "invitation": lambda stage: stage.staff(f"{stage.page_of(Invitation.objects.get())}change/"),
    "order": lambda stage: stage.staff(f"{stage.page_of(stage.order)}change/"),
    "orders": lambda stage: stage.staff("/admin/orders/order/"),
    "overview": lambda stage: stage.staff("/admin/"),
    "partner configuration": lambda stage: stage.staff("/admin/integrations/partnerconfiguration/1/change/"),
    "people": lambda stage: stage.customers("/people"),
    "password reset": lambda stage: Browser().get("/accounts/password/reset/done/"),
    "streams": lambda stage: stage.staff("/admin/outbox/stream/"),
    "webhooks": lambda stage: stage.staff("/admin/integrations/webhook/"),
}


NEXT = "Next attempt TIME."
UNSENT = "and not sent: no mail server is set (EMAIL_URL)"
INVALID_EMAIL = "The candidate's email address is not valid: send the link in another way."
SAYS_NO = "SmartRecruiters found something wrong with the result (422)"
GAVE_NO_TOKEN = "SmartRecruiters gave no token: could not connect"
NOT_YET = "This continues automatically; there is nothing to do."
NO_CONSENT = (
    "SmartRecruiters refused to connect. SmartRecruiters reports that the company has not consented yet, or that a "
    "scope is missing."
)
AGREE = (
    "In SmartRecruiters, agree to the app of Assessments and connect again. If it is refused again, contact the "
    "staff of "
    "Assessments."
)
RECONNECT = "In SmartRecruiters, disconnect Assessments, then connect again; waiting results are sent automatically."
RECONNECT_FIRST = "has to disconnect in SmartRecruiters and connect again; then the deliveries on hold are sent."
ENDED = "SmartRecruiters cannot see your packages or place orders. Unsent results are kept."
REFUSED_REQUESTS = (
    "Requests of this company are refused. Its deliveries are on hold until the same company connects again."
)
ASK = "Ask an administrator of Northwind Retail"
DATA = (
    "Northwind Retail sent your {} through SmartRecruiters, its recruiting software, and receives the result the same "
    "way. The support team of Assessments can see {} too. To see or erase your data, contact Northwind Retail."
)
ROWS: list[Row] = [
    *(
        Row("invitation", cause, "order", (said,))
        for cause, said in (
            (p.send_emails, "Invitation handed to the mail server"),
            (p.use_backend("console"), f"The invitation was written to the log {UNSENT}"),
            (p.use_backend("filebased"), f"The invitation was written to a file {UNSENT}"),
            (p.use_backend("dummy"), f"The invitation was discarded {UNSENT}"),
            (
                p.close_mail_server,
                f"Sending the invitation failed: the mail server did not accept it (ConnectionRefusedError). {NEXT}",
            ),
            (
                p.refuse_recipient,
                "Sending the invitation failed: the mail server refuses it (550). It is not retried automatically",
            ),
            (p.order_without_email, f"The invitation cannot be sent: {INVALID_EMAIL}"),
            (p.hold_emails, "The invitation is on hold: Put on hold by staff."),
            (p.complete_before_invitation, "The invitation was not sent: the order is completed"),
            (p.expire_before_invitation, "The invitation was not sent: the order has expired"),
            (p.erase_before_invitation, "The invitation was not sent: the candidate was erased"),
            (p.erase_after_log, "The invitation was not sent"),
        )
    ),
    *(
        Row("done", cause, "delivery, invitation", said)
        for cause, said in (
            (p.send_emails, ("Delivered",)),
            (p.use_backend("console"), (f"written to the log {UNSENT}", "Not sent")),
            (p.use_backend("filebased"), (f"written to a file {UNSENT}", "Not sent")),
            (p.use_backend("dummy"), (f"discarded {UNSENT}", "Not sent")),
            (p.complete_before_invitation, ("the order is completed", "Closed")),
            (p.erase_before_invitation, ("the candidate was erased", "Closed")),
        )
    ),
    *(
        Row("read", cause, "delivery, candidate", said)
        for cause, said in ((p.carry_all, ("Delivered",)), (p.refuse_reads, ("No access", "no access")))
    ),
    *(
        Row("newest result", cause, "order", said)
        for cause, said in (
            (p.deliver_result, ("As the recruiter sees it", "Result delivered to SmartRecruiters")),
            (p.report_only, ("The result waits for its turn", "As the recruiter will see it")),
            (
                p.answer_result(Answer(422)),
                (f"The result is not in SmartRecruiters. {SAYS_NO}", "As the recruiter would see it", "Send again"),
            ),
            (
                p.correct_in_vain,
                (
                    "The latest result is not in SmartRecruiters, which shows an earlier one. "
                    f"{SAYS_NO}: “The order is closed”",
                    "Send again",
                ),
            ),
            (
                p.correct_without_answer,
                (f"The latest result may not be in SmartRecruiters. The connection broke. {NEXT}", "Try again now"),
            ),
            (
                p.close_with_token,
                (f"The result is not in SmartRecruiters. Could not connect. {NEXT}", "Try again now"),
            ),
            (
                p.answer_result(Answer(500)),
                (
                    f"The result may not be in SmartRecruiters. SmartRecruiters reported an error (500). {NEXT}",
                    "Try again now",
                ),
            ),
            (
                p.answer_result(Answer(429, {}, {"Retry-After": "60"})),
                (
                    f"The result is not in SmartRecruiters. SmartRecruiters asked us to slow down (429). {NEXT}",
                    "View the queue",
                ),
            ),
            (
                p.pause_by_another,
                (
                    f"The result is not in SmartRecruiters. SmartRecruiters was not available (503). {NEXT}",
                    "The result waits: SmartRecruiters was not available (503)",
                    "View the queue",
                ),
            ),
            (
                p.close_smartrecruiters,
                (f"The result is not in SmartRecruiters. {GAVE_NO_TOKEN}. {NEXT}", "View the queue"),
            ),
            (
                p.refuse_credentials,
                (
                    "The result is not in SmartRecruiters. The connection needs a reconnect",
                    "As the recruiter would see it",
                    "View the connection",
                ),
            ),
            (p.hold_by_staff, ("The result is not in SmartRecruiters. Put on hold by staff", "View the queue")),
            (
                p.disconnect_with_result,
                ("The result is not in SmartRecruiters. The company was disconnected", "View the connection"),
            ),
        )
    ),
    Row(
        "failed, on a stream on hold",
        p.fail_then_disconnect,
        "order",
        (f"The result is not in SmartRecruiters. {SAYS_NO}", "View the connection"),
    ),
    *(
        Row("erased", cause, "order", (f"Erased here with the candidate’s data. {said}",))
        for cause, said in (
            (p.erase_delivered, "SmartRecruiters keeps its copy until it is erased there."),
            (p.erase_undelivered, "No result was confirmed by SmartRecruiters."),
        )
    ),
    Row("erased", p.erase_undelivered, "orders", ("Erased",)),
    *(
        Row("unknown upload", cause, "order", said)
        for cause, said in (
            (
                p.lose_upload,
                ("Sending the report failed: the connection broke. Its outcome is unknown", "Send again"),
            ),
            (
                p.confirm_upload_by_person,
                ("Sending the report failed: the connection broke. It arrived: marked as delivered by a person",),
            ),
            (p.erase_lost_upload, ("Sending the report was interrupted. Its outcome is unknown", "Dismiss")),
        )
    ),
    Row("failed invitation", p.fail_invitation_of_completed, "order", ("Dismiss", "the mail server refuses it (550)")),
    *(
        Row("reported by staff", p.report_by_staff(before, **form), "answer", (said,))
        for before, form, said in (
            (p.nothing, {}, "Reported. It is being sent. The outcome appears here soon."),
            (p.hold_connection, {}, "Reported. It is on hold with its queue: Put on hold by staff."),
            (p.disconnect_by_customer, {}, "Reported. It is on hold with its queue: The company was disconnected."),
            (p.report_only, {}, "Nothing was changed: this had been reported already."),
        )
    ),
    *(
        Row("sent again", cause, "answer", (said,))
        for cause, said in (
            (
                p.replay(p.answer_result(Answer(422)), "result"),
                "It is being sent again. The outcome appears here soon.",
            ),
            (
                p.replay(p.fail_then_disconnect, "result"),
                "It is on hold with its queue: The company was disconnected.",
            ),
            (p.replay(p.fail_once, "result", "hurry"), "It is being sent now. The outcome appears here soon."),
            (
                p.replay(p.fail_invitation_of_completed, "invitation"),
                "It cannot be sent again: the order is completed. You can dismiss it.",
            ),
        )
    ),
    *(
        Row("replay preview", p.replay(before, kind, does=False), "answer", (said,))
        for before, kind, said in (
            (p.answer_result(Answer(422)), "result", "This delivery is sent again, at once."),
            (
                p.fail_then_disconnect,
                "result",
                "This delivery is put on hold with its queue: The company was disconnected.",
            ),
            (
                p.lose_upload,
                "upload",
                "This delivery is sent again. The other side may already have processed it; then it is processed "
                "twice.",
            ),
        )
    ),
    *(
        Row("nothing is sent", cause, "overview", said)
        for cause, said in (
            (p.leave_overdue, ("4 × Deliveries are overdue. No worker has started yet. Started TIME.",)),
            (
                p.leave_overdue_with_worker,
                ("4 × Deliveries are overdue although the workers run. Are there enough of them? Started TIME.",),
            ),
            (
                p.leave_overdue_after_worker,
                (
                    "4 × Deliveries are overdue. Started TIME.",
                    "No worker has been seen for a while, so nothing is sent. Check that the workers are running and "
                    "that the database is writable. Started TIME.",
                ),
            ),
            (
                p.pause_for_long,
                (
                    "3 deliveries wait for “Northwind Retail – northwind”. SmartRecruiters was not available (503). "
                    "Started TIME.",
                ),
            ),
            (p.hold_by_staff, ("Deliveries of “Northwind Retail – northwind” are on hold. Put on hold by staff.",)),
            (
                p.use_backend("console"),
                ("Emails were not sent: no mail server is set (EMAIL_URL) Started TIME.",),
            ),
        )
    ),
    Row("queue", p.carry_all, "overview", ("The queue is empty.", "Nothing needs attention")),
    Row("late queue", p.pause_last_delivery, "overview", ("Nothing needs attention",), ("The queue is empty.",)),
    *(
        Row("streams", cause, "streams", said)
        for cause, said in (
            (p.hold_by_staff, ("Put on hold by staff.",)),
            (p.refuse_credentials, ("The connection needs a reconnect.",)),
        )
    ),
    *(
        Row("failing", cause, "overview", (said,))
        for cause, said in (
            (p.carry_all, "No deliveries are failing"),
            (p.answer_result(Answer(422)), "1 delivery is failing"),
            (p.disconnect_by_customer, "3 deliveries are on hold"),
            (p.refuse_recipient_and_disconnect, "1 delivery is failing, 3 on hold"),
        )
    ),
    *(
        Row("endpoint", cause, "webhooks", said)
        for cause, said in (
            (Stage.register_webhook, ("Enabled",)),
            (p.disable_webhook, ("The endpoint responded with 410: it is gone.", "Disabled")),
            (p.pause_webhook, ("The engine asked us to slow down (429)", "Paused")),
            (p.hold_webhook, ("Put on hold by staff.", "On hold")),
        )
    ),
    *(
        Row("connection", cause, "home", (said,))
        for cause, said in (
            (p.connect_anew, "SmartRecruiters can see your packages and place orders. Results are sent back to it."),
            (p.hold_by_staff, "SmartRecruiters can see your packages and place orders."),
            (p.approve_only, f"SmartRecruiters has not confirmed yet. {NOT_YET}"),
            (
                p.approve_without_token,
                "SmartRecruiters has not confirmed yet. Next attempt TIME; there is nothing to do.",
            ),
            (
                p.approve_without_master,
                "Assessments cannot connect to SmartRecruiters at the moment. Its staff can see this, and it continues "
                "when they have fixed it.",
            ),
            (
                p.answer_exchange(Answer(403, {"errors": [{"message": "No consent."}]})),
                f"{NO_CONSENT} No consent. {AGREE}",
            ),
            (
                p.answer_exchange(Answer(404)),
                "SmartRecruiters refused to connect. SmartRecruiters has no partner configuration for this portal. Ask "
                "the staff of Assessments to publish their configuration, then connect again in SmartRecruiters.",
            ),
            (
                p.answer_exchange(Answer(400, {"message": "clientId: too short"})),
                "SmartRecruiters refused to connect. SmartRecruiters found something wrong with the exchange of "
                "credentials (400): “clientId: too short”. Connect again in SmartRecruiters. If it fails again, "
                "contact "
                "the staff of Assessments.",
            ),
            (
                p.never_answer_exchange,
                "SmartRecruiters did not answer, and nothing was connected. SmartRecruiters reported an error (500). "
                "Connect again in SmartRecruiters. If it fails again, contact the staff of Assessments.",
            ),
            (
                p.refuse_credentials_of_connection,
                "Connect again. Results cannot be sent to SmartRecruiters. Orders and results are kept here. "
                f"{RECONNECT}",
            ),
            (
                p.answer_exchange(Answer(409)),
                "Connect again. Results cannot be sent to SmartRecruiters, and it cannot place orders. Results are "
                "kept "
                f"here. {RECONNECT}",
            ),
            (
                p.disconnect_by_customer,
                f"{ENDED} To continue, disconnect Assessments there too, then connect again in SmartRecruiters.",
            ),
            (p.disconnect_by_smartrecruiters, f"{ENDED} To continue, connect again in SmartRecruiters."),
        )
    ),
    *(
        Row("results of a connection", cause, "home", (said,))
        for cause, said in (
            (
                p.hold_by_staff,
                "1 result is on hold. The staff of Assessments stopped sending for now; nothing is lost.",
            ),
            (
                p.answer_result(Answer(500)),
                f"1 result is waiting. It could not be sent yet. {NEXT[:-1]}; there is nothing to do.",
            ),
            (
                p.answer_result(Answer(422)),
                "1 result did not reach SmartRecruiters. It is kept here, and the staff of Assessments can see this "
                "too. "
                "Contact them if it does not change.",
            ),
        )
    ),
    Row(
        "results of a paused connection",
        p.pause_by_another,
        "home",
        (f"1 result is waiting. It could not be sent yet. {NEXT[:-1]}; there is nothing to do.",),
    ),
    *(
        Row("connection", cause, "connection", (said,))
        for cause, said in (
            (p.nothing, "Orders are received and results are delivered. There is nothing to do."),
            (
                p.hold_by_staff,
                "Orders are received. Deliveries are on hold: Put on hold by staff. Release their queue to send them.",
            ),
            (
                p.pause_connection,
                "Orders are received. Deliveries are paused and continue automatically. SmartRecruiters was not "
                "available (503).",
            ),
            (
                p.answer_result(Answer(422)),
                "Orders are received. Some deliveries failed: see “Needs attention” on the overview.",
            ),
            (p.approve_only, "Credentials are being exchanged with SmartRecruiters. There is nothing to do."),
            (
                p.approve_without_master,
                "The exchange of credentials does not go on: The master credentials are missing. Set "
                "SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET, or enter them in the partner "
                "configuration.",
            ),
            (
                p.answer_exchange(Answer(403)),
                "The customer’s administrator has to agree to the app under “Apps” in SmartRecruiters, then connect "
                "again "
                "from there. If that does not help, ask SmartRecruiters for the scope client_credentials_write.",
            ),
            (
                p.answer_exchange(Answer(404)),
                "Publish the partner configuration. Then the customer has to connect again from SmartRecruiters.",
            ),
            (p.answer_exchange(Answer(400)), "The customer can connect again from SmartRecruiters."),
            (
                p.never_answer_exchange,
                "SmartRecruiters did not answer. The customer can connect again from SmartRecruiters.",
            ),
            (
                p.refuse_credentials_of_connection,
                "Orders are still accepted. Deliveries are on hold; nothing is lost. If the credentials were "
                "refused by "
                f"mistake, try again. Otherwise the customer {RECONNECT_FIRST}",
            ),
            (
                p.answer_exchange(Answer(409)),
                "No order can come in: SmartRecruiters has credentials that were revoked here. Deliveries are on hold; "
                f"nothing is lost. The customer {RECONNECT_FIRST}",
            ),
            (
                p.answer_exchange(Answer(502), Answer(409)),
                f"Orders are still accepted. Deliveries are on hold; nothing is lost. The customer {RECONNECT_FIRST}",
            ),
            (p.disconnect_by_customer, f"{REFUSED_REQUESTS} It has to disconnect in SmartRecruiters first."),
            (p.disconnect_by_smartrecruiters, REFUSED_REQUESTS),
        )
    ),
    *(
        Row("consent", cause, "consent", said)
        for cause, said in (
            (
                p.approve_only,
                ("Your approval is recorded. The connection is being set up; this takes a few seconds.",),
            ),
            (
                p.approve_without_token,
                (
                    "Your approval is recorded. The connection cannot be set up at the moment; next attempt TIME.",
                    "Not connected yet",
                ),
            ),
            (
                p.approve_without_master,
                (
                    "Your approval is recorded. Assessments cannot connect to SmartRecruiters at the moment; its staff "
                    "can see this.",
                    "Not connected yet",
                ),
            ),
            (
                p.answer_exchange(Answer(500)),
                ("Your approval is recorded. The first attempt failed; next attempt TIME.", "Try again now"),
            ),
            (
                p.answer_exchange(Answer(500), Answer(500)),
                ("Your approval is recorded. 2 attempts failed; next attempt TIME.", "Try again now"),
            ),
            (
                p.answer_exchange(Answer(403)),
                (
                    "It refused to connect northwind: the company has not agreed there yet, or Assessments lacks a "
                    "permission. Nothing was connected, and nothing is lost.",
                ),
            ),
            (
                p.answer_exchange(Answer(404)),
                (
                    "SmartRecruiters does not know how to reach Assessments. Nothing was connected, and nothing is "
                    "lost.",
                ),
            ),
            (
                p.answer_exchange(Answer(400, {"message": "clientId: too short"})),
                (
                    "SmartRecruiters refused to connect",
                    "SmartRecruiters found something wrong with the exchange of credentials (400): “clientId: too "
                    "short”. Nothing was connected, and nothing is lost.",
                ),
            ),
            (
                p.never_answer_exchange,
                (
                    "SmartRecruiters did not answer",
                    "SmartRecruiters reported an error (500). Nothing was connected, and nothing is lost.",
                ),
            ),
            (p.repeat_on_live, ("Your existing connection stays as it is, and nothing is lost.",)),
            (
                p.answer_exchange(Answer(409)),
                (
                    "SmartRecruiters gives its credentials only once, and they are not stored here. It cannot place "
                    "orders until you connect again. Results are kept.",
                ),
            ),
            (
                p.answer_exchange(Answer(502), Answer(409)),
                (
                    "SmartRecruiters gives its credentials only once, and they are not stored here. Orders and results "
                    "are kept.",
                ),
            ),
            (p.connect_anew, ("SmartRecruiters can now see your packages and place orders.",)),
            (
                p.disconnect_while_connecting,
                ("northwind was disconnected before SmartRecruiters answered. Nothing is shared.",),
            ),
            (p.disconnect_after_connecting, ("northwind was disconnected. Nothing is shared.",)),
            (p.deny, ("You chose “Deny”. Nothing was connected or changed.",)),
        )
    ),
    *(
        Row("invitation", cause, "invitation", (said,))
        for cause, said in (
            (p.invite, "Not sent yet"),
            (p.invite_and_send, "Handed to the mail server"),
            (p.invite_with_backend("console"), f"Not sent: written to the log {UNSENT}"),
            (p.invite_with_backend("filebased"), f"Not sent: written to a file {UNSENT}"),
            (p.invite_with_backend("dummy"), f"Not sent: discarded {UNSENT}"),
            (p.invite_while_held, "On hold: Put on hold by staff."),
            (p.invite_in_vain, "Not sent: the mail server refuses it (550)"),
            (p.invite_without_server, "Not sent yet: the mail server did not accept it (ConnectionRefusedError)"),
        )
    ),
    *(
        Row("invitation", cause, "people", (said,), unsaid)
        for cause, said, unsaid in (
            (p.invite, "The email is not sent yet.", ()),
            (p.invite_with_backend("console"), "The email was not sent. Ask Assessments for the link.", ()),
            (p.invite_while_held, "The email is on hold.", ()),
        )
    ),
    Row("sent invitation", p.invite_and_send, "people", ("Waiting",), ("The email is not sent yet.",)),
    Row("failed invitation", p.invite_in_vain, "people", ("The email was not sent. Ask Assessments for the link.",)),
    Row("invitation", p.invite_in_vain, "customer", ("Not sent: the mail server refuses it (550)",)),
    *(
        Row("invited", cause, "answer", (said,))
        for cause, said in (
            (p.invite, f"The invitation is on its way to {DORA}."),
            (p.invite_with_backend("filebased"), f"The invitation for {DORA} is written to a file {UNSENT}."),
            (p.invite_while_held, f"The invitation for {DORA} is on hold: Put on hold by staff."),
            (
                p.invite_with_backend("console"),
                f"The invitation for {DORA} was created, but emails are not set up yet: ask Assessments for the link.",
            ),
        )
    ),
    *(
        Row("link that no longer works", cause, "answer", said)
        for cause, said in (
            (p.open_link(p.accept), ("It was already used.", "If you accepted it, sign in.")),
            (p.open_link(p.revoke), ("It was revoked.", f"{ASK} to invite you again.")),
            (
                p.open_link(p.outlive),
                ("It has expired: invitations are valid for a week.", f"{ASK} to invite you again."),
            ),
            (p.open_link(p.deactivate), ("Northwind Retail is deactivated here.", "Ask the staff of Assessments.")),
            (p.join_with_account, (f"{DORA} has an account by now.", "Sign in, then join Northwind Retail.")),
        )
    ),
    *(
        Row("publish", cause, "answer", (said,))
        for cause, said in (
            (p.publish_without_master, "The master credentials are missing. Enter them below and save first."),
            (
                p.publish_refused,
                "SmartRecruiters answered 401. The master credentials were refused. Check SMARTRECRUITERS_CLIENT_ID "
                "and "
                "SMARTRECRUITERS_CLIENT_SECRET.",
            ),
            (
                p.publish_refused_from_page,
                "SmartRecruiters answered 401. The master credentials were refused. Enter new ones.",
            ),
            (p.publish_during_outage, "SmartRecruiters answered 503. Try again later."),
        )
    ),
    *(
        Row("candidate", cause, page, (said,))
        for cause, page, said in (
            (p.launch, "candidate", DATA.format("name and email address", "them")),
            (p.launch_without_email, "candidate", DATA.format("name", "it")),
            (p.nothing, "candidate", "“Skills” for Northwind Retail is not ready yet."),
            (p.expire_by_time, "candidate", "The time for “Skills” is over. Anything you sent before is kept."),
            (p.erase_before_invitation, "candidate", "Your data has been erased."),
        )
    ),
    Row(
        "expired by the engine",
        p.expire_by_engine,
        "candidate, done",
        ("The time for “Skills” is over. Anything you sent before is kept.",),
    ),
    *(
        Row("password reset", cause, "password reset", said)
        for cause, said in (
            (
                p.nothing,
                (
                    "If there is an account for this email address, a link to choose a new password is on its way.",
                    "Check your email",
                ),
            ),
            (
                p.use_backend("console"),
                ("Emails are not set up yet. Your password is unchanged.", "No email was sent"),
            ),
        )
    ),
    *(
        Row("approved by", cause, "home", (said,))
        for cause, said in (
            (p.connect_anew, "Alice"),
            (p.answer_ben(Answer(409)), "Alice"),
            (p.answer_ben(Answer(502), Answer(409)), "Alice"),
            (p.answer_ben(Answer(403)), "Alice"),
            (p.approve_by_ben, "Alice"),
            (p.lose_answer_to_ben_and_refuse, "Alice"),
            (p.disconnect_after_connecting, "Alice"),
            (p.disconnect_while_ben_connects, "Alice"),
            (p.answer_ben(Answer(200, PAIR)), "Ben"),
            (p.disconnect_then_answer_ben(Answer(409)), "Ben"),
            (p.disconnect_then_answer_ben(), "Ben"),
        )
    ),
    Row(
        "approved by nobody",
        p.disconnect_then_answer_ben(Answer(403)),
        "home",
        ("Not connected",),
        ("Approved by", "Alice", "Ben"),
    ),
    Row("refused repeat", p.repeat_on_live, "overview", ("Nothing needs attention",)),
    *(
        Row("must reconnect", cause, "email to Alice", (said,))
        for cause, said in (
            (
                p.refuse_credentials_of_connection,
                "What this means: results cannot be sent to SmartRecruiters for now. Orders and results are kept here; "
                "nothing is lost.",
            ),
            (
                p.answer_exchange(Answer(409)),
                "What this means: SmartRecruiters cannot place orders, and results cannot be sent to it for now. "
                "Results "
                "are kept here.",
            ),
        )
    ),
    Row(
        "must reconnect for the first time",
        p.lose_first_answer,
        "email to Alice",
        ("Assessments has no access to your SmartRecruiters company northwind.",),
    ),
    *(
        Row("must reconnect", cause, "email to Stella", said)
        for cause, said in (
            (
                p.refuse_credentials_of_connection,
                (
                    "Orders are still accepted. Deliveries are on hold; nothing is lost.",
                    "The customer’s administrators are notified as well.",
                ),
            ),
            (
                p.answer_exchange(Answer(409)),
                (
                    "SmartRecruiters cannot place orders until the customer connects again. Deliveries are on hold; "
                    "nothing is lost.",
                    "The customer’s administrators are notified as well.",
                ),
            ),
            (
                p.reconnect_without_administrators,
                (
                    "SmartRecruiters cannot place orders until the customer connects again. Deliveries are on hold; "
                    "nothing is lost.",
                    "The customer has no active administrator, so nobody there is notified.",
                ),
            ),
        )
    ),
    Row(
        "silent endpoint",
        p.stop_engine_for_long,
        "overview",
        ("6 deliveries wait for “Staging engine – {hook}”. The last call failed: could not connect. Started TIME.",),
    ),
    Row("silent endpoint", p.stop_engine_for_long, "webhooks", ("The last call failed: could not connect", "Paused")),
]


def open_page(stage: Stage, name: str) -> str:
    """Return the page, with `{hook}` in place of the webhook's URL, whose port is another one each time."""
    page: str = PAGES[name](stage).content.decode()
    for url in Webhook.objects.values_list("url", flat=True):
        page = page.replace(url, "{hook}")
    return page


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.page}-{row.state}-{row.cause.__name__}")
def test_page_says_what_happened(stage: Stage, row: Row) -> None:
    row.cause(stage)
    sentences = read_sentences(open_page(stage, row.page))
    others = {other.said[0] for other in ROWS if (other.page, other.state) == (row.page, row.state)}
    assert [said for said in row.said if said not in sentences] == [], [each for each in sentences if len(each) > 30]
    assert (others - {row.said[0]} | set(row.unsaid)) & set(sentences) == set()
