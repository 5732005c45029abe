"""Erasure of a candidate (S11 and S17 in tests/reliability/README.md)."""

import io
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client as Browser
from rest_framework.test import APIClient

from integrations.api.errors import GoneError
from integrations.audit import Actor
from integrations.models import AuditEntry, Connection, IdempotencyRecord
from integrations.outbox import clock
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import attachments, results
from orders.models import Order, OrderEvent, Resource, ResourceState, Upload
from orders.privacy import erasure, erasure_log
from tests.orders import bodies
from tests.orders.admin.test_orders import page_of, text
from tests.orders.privacy import personal_data

S = DeliveryState
CANARY = "xq7canary"
EMAIL = f"{CANARY}.Ada@lovelace.example"
URL = "/api/vendor/v1/orders"
CANDIDATE = {
    "id": f"{CANARY}-id",
    "email": EMAIL,
    "firstName": f"{CANARY}-first",
    "lastName": f"{CANARY}-last",
    "applicationLanguage": "de",
    "nickname": f"{CANARY}-unknown",
}
BODY: dict[str, Any] = {
    "candidate": CANDIDATE,
    "requester": {"userId": f"{CANARY}-user", "email": f"{CANARY}@northwind.example"},
    "job": {"id": f"{CANARY}-job"},
    "fields": {"team": f"{CANARY}-field"},
    "somethingNew": f"{CANARY}-unknown",
}
INLINE = {
    **BODY,
    "candidate": {**CANDIDATE, "email": EMAIL.upper()},
    "completedAssessmentCallbackUrl": f"https://jobs.smartrecruiters.com/back?who={CANARY}",
}
REPORT = {
    "status": "COMPLETED",
    "name": f"{CANARY}-name",
    "summary": f"{CANARY}-summary",
    "score_label": f"{CANARY}-label",
    "score": {"raw": 28, "min": 20, "max": 80},
    "assessment_results": [{"assessment_id": "logic", "summary": f"{CANARY}-part"}],
}


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    return tmp_path


@pytest.fixture
def known(package: Any, connection: Connection, engine: APIClient) -> Order:
    """Place an order with all kinds of data: corrections, a file, fetched data, deliveries, stored responses."""
    order = bodies.place_order(connection, **BODY)
    engine.post(f"{URL}/lease", {}, HTTP_IDEMPOTENCY_KEY="lease")
    launch = {"launch_url": f"https://engine.example/{CANARY}"}
    assert engine.post(f"{URL}/{order.pk}/accept", launch, HTTP_IDEMPOTENCY_KEY="accept").status_code == 200
    attachments.add_file(order.pk, bodies_pdf(), name=f"{CANARY}.pdf", by="engine")
    attachments.add_url(order.pk, f"https://engine.example/{CANARY}", type="VIDEO_URL", by="engine")
    results.report(order.pk, REPORT, by="engine")
    results.report(order.pk, {"score_label": f"{CANARY}-better"}, by="engine", correction=f"{CANARY}-reason")
    Upload.objects.create(order=order, digest="d" * 64, reason=f"{CANARY}-refused")
    Resource.objects.filter(order=order).update(
        state=ResourceState.THERE, content={"email": EMAIL}, reason=f"{CANARY}-why"
    )
    sent = Delivery.objects.filter(kind="result").latest("pk")
    Attempt.objects.create(
        delivery=sent,
        number=1,
        started_at=clock.now(),
        status=400,
        error=f"{CANARY}-error",
        request={"body": sent.payload},
        response=f'{{"summary": "{CANARY}"}}',
    )
    Delivery.objects.filter(pk=sent.pk).update(state=S.FAILED, reason=f"400: {CANARY}")
    Delivery.objects.filter(kind="job").update(state=S.DELIVERED, reason=f"{CANARY}-reason")
    order.refresh_from_db()
    return order


def bodies_pdf() -> bytes:
    return f"%PDF-1.4\n{CANARY}\n%%EOF\n".encode()


def dump() -> str:
    """Every row of every table, as text."""
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            return "\n".join(database.connection.iterdump())
        lines = []
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 (our own tables)
            lines += [row[0] for row in cursor.fetchall()]
        return "\n".join(lines)


def disk(folder: Path) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in folder.rglob("*") if path.is_file())
    if database.vendor == "sqlite":
        name = str(database.settings_dict["NAME"])
        yield from (Path(name + end).read_bytes() for end in ("", "-wal") if Path(name + end).exists())


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("erase_candidate", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_erased_candidate_is_nowhere(known: Order, connection: Connection, folder: Path) -> None:
    """Neither in a row, nor in SQLite's free pages, nor in a file."""
    inline = bodies.place_order(connection, **INLINE)
    others = bodies.place_order(connection)
    assert CANARY in dump()
    assert any(CANARY.encode() in content for content in disk(folder))
    said = run(EMAIL.lower())
    assert said == "Erased from 2 orders, with 1 files and the content of 9 deliveries.\n"
    assert CANARY not in dump().lower()
    assert [content for content in disk(folder) if CANARY.encode() in content.lower()] == []
    assert not IdempotencyRecord.objects.exists()
    known.refresh_from_db()
    inline.refresh_from_db()
    assert (known.status, inline.status) == ("COMPLETED", "")
    assert (known.erased_at is not None, inline.erased_at is not None) == (True, True)
    others.refresh_from_db()
    assert (others.candidate_email, others.erased_at) == ("ada@lovelace.example", None)


@pytest.mark.django_db
def test_columns_listed_as_a_candidates_are_empty(known: Order) -> None:
    erasure.erase(EMAIL)
    row = Order.objects.filter(pk=known.pk).values(*personal_data.CANDIDATE_FIELDS["orders.order"]).get()
    assert {name: value for name, value in row.items() if value} == {}
    for model, rows in (
        ("orders.result", known.results.all()),
        ("orders.attachment", known.attachments.all()),
        ("orders.upload", known.uploads.all()),
        ("orders.resource", Resource.objects.filter(order=known)),
        ("outbox.attempt", Attempt.objects.filter(delivery__subject=known.pk)),
    ):
        left = list(rows.values(*personal_data.CANDIDATE_FIELDS[model]))
        assert [value for row in left for value in row.values() if value] == []


@pytest.mark.django_db
def test_what_was_unsent_is_cancelled_and_what_was_sent_emptied(known: Order) -> None:
    erasure.erase(EMAIL)
    left = Delivery.objects.filter(subject=known.pk).values_list("kind", "state", "reason", "payload")
    assert {(kind, state, reason) for kind, state, reason, _ in left} == {
        ("candidate", "superseded", "the candidate was erased"),
        ("invitation", "superseded", "the candidate was erased"),
        ("job", "delivered", ""),
        ("hiring_team", "superseded", "the candidate was erased"),
        ("result", "superseded", "a newer one says more"),
        ("result", "superseded", "the candidate was erased"),
    }
    assert {str(payload) for *_, payload in left} == {"{}"}


@pytest.mark.django_db
def test_links_die_and_the_engine_is_told_that_it_is_gone(known: Order, engine: APIClient) -> None:
    take, token = known.take_url, known.attachments.exclude(file="").get().link_token
    erasure.erase(EMAIL)
    browser = Browser()
    assert browser.get(take).status_code == 410
    answer = browser.get(f"/files/{token}")
    assert (answer.status_code, "erased with the candidate’s data" in text(answer)) == (404, True)
    assert engine.get(f"{URL}/{known.pk}").status_code == 410
    assert engine.patch(f"{URL}/{known.pk}/result", {"status": "REJECTED", "correction": "x"}).status_code == 410
    assert engine.post(f"{URL}/{known.pk}/accept", {}, HTTP_IDEMPOTENCY_KEY="accept").status_code == 410
    assert engine.get(URL).json()["results"] == []
    assert engine.post(f"{URL}/lease", {}).json() == {"orders": []}
    with pytest.raises(GoneError):
        attachments.add_file(known.pk, bodies_pdf(), by="engine")


@pytest.mark.django_db
def test_erasure_is_recorded_under_a_keyed_pseudonym(known: Order, staff: Any, settings: Any, folder: Path) -> None:
    done = erasure.erase(EMAIL, actor=Actor(staff, "192.0.2.7"))
    entry = AuditEntry.objects.get(action="candidate.erased")
    assert (entry.subject, entry.actor_name, entry.ip, entry.detail) == (
        done.pseudonym,
        "stella@vendor.example",
        "192.0.2.7",
        {"orders": [known.pk], "files": 1},
    )
    assert entry.subject == erasure_log.make_pseudonym(EMAIL.upper())
    assert OrderEvent.objects.filter(order=known).latest("pk").what == "Candidate erased"
    log = folder / "erasures.log"
    assert (log.stat().st_mode & 0o777, log.read_text().split()[-1]) == (0o600, done.pseudonym)
    settings.SECRET_KEY = "another key " * 4
    assert erasure_log.make_pseudonym(EMAIL) != done.pseudonym


@pytest.mark.django_db
def test_same_order_again_is_answered_and_stores_nothing(package: Any, smartrecruiters: APIClient) -> None:
    """See O12 in tests/reliability/README.md."""
    body = bodies.order_body(order_id="4b2a7c1e-0000-4000-8000-000000000001", candidate=CANDIDATE)
    assert smartrecruiters.post(bodies.ORDERS, body).status_code == 202
    erasure.erase(EMAIL)
    assert smartrecruiters.post(bodies.ORDERS, body).status_code == 202
    assert smartrecruiters.post(bodies.ORDERS, body | {"job": {"id": "another"}}).status_code == 409
    assert (Order.objects.get().candidate_email, CANARY in dump()) == ("", False)


@pytest.mark.django_db
def test_call_on_its_way_is_waited_for_and_nothing_erased_meanwhile(known: Order) -> None:
    row = Delivery.objects.filter(kind="candidate").get()
    row.stream.lease_expires_at = clock.now() + timedelta(seconds=60)
    row.stream.save()
    Delivery.objects.filter(pk=row.pk).update(state=S.IN_FLIGHT)
    with pytest.raises(erasure.DeliveryInFlightError):
        erasure.erase(EMAIL)
    known.refresh_from_db()
    assert (known.erased_at, known.candidate_email) == (None, EMAIL)
    assert not Delivery.objects.filter(subject=known.pk, state__in=[S.PENDING, S.HELD, S.FAILED]).exists()


@pytest.mark.django_db
def test_call_that_a_dead_courier_left_in_flight_is_not_waited_for(known: Order) -> None:
    row = Delivery.objects.filter(kind="candidate").get()
    row.stream.lease_expires_at = clock.now() - timedelta(seconds=1)
    row.stream.save()
    Delivery.objects.filter(pk=row.pk).update(state=S.IN_FLIGHT)
    assert erasure.erase(EMAIL).orders == 1
    row.refresh_from_db()
    row.stream.refresh_from_db()
    assert (row.state, row.stream.lease_expires_at, row.stream.fence) == (S.SUPERSEDED, None, 1)


@pytest.mark.django_db
def test_message_to_an_engine_still_goes_out(known: Order) -> None:
    """It names the order alone, and events are never skipped."""
    stream = Delivery.objects.first().stream
    message = {"webhook": "wh_1", "id": "evt_1", "body": {"data": {"order": known.pk}}}
    row = Delivery.objects.create(
        kind="webhook", stream=stream, key="wh_1:evt_1", subject=known.pk, payload=message, due_at=clock.now()
    )
    erasure.erase(EMAIL)
    row.refresh_from_db()
    assert (row.state, row.payload) == (S.PENDING, message)


@pytest.mark.django_db
def test_answer_of_a_call_that_ran_meanwhile_is_not_kept(
    known: Order, engine: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.api import engine as views

    answer = views.OrderAccept.build_response

    def answer_and_erase(view: Any, order_id: str) -> Any:
        response = answer(view, order_id)
        erasure.erase(EMAIL)
        return response

    monkeypatch.setattr(views.OrderAccept, "build_response", answer_and_erase)
    Order.objects.update(status="")
    assert engine.post(f"{URL}/{known.pk}/accept", {}, HTTP_IDEMPOTENCY_KEY="again").status_code == 200
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db
def test_restored_backup_is_erased_again_by_the_log(known: Order, connection: Connection) -> None:
    before = Order.objects.filter(pk=known.pk).values().get()
    erasure.erase(EMAIL)
    Order.objects.filter(pk=known.pk).update(**{name: before[name] for name in before if name != "id"})
    newer = bodies.place_order(connection, **{**BODY, "candidate": {**CANDIDATE, "firstName": "Again"}})
    stranger = bodies.place_order(connection)
    assert run("--replay-log") == "Erased from 1 orders, with 0 files and the content of 6 deliveries.\n"
    found = dict(Order.objects.values_list("pk", "candidate_email"))
    assert found == {known.pk: "", newer.pk: EMAIL, stranger.pk: "ada@lovelace.example"}
    assert run("--replay-log") == "Nothing to erase: no order has this candidate.\n"


@pytest.mark.django_db
def test_log_outlives_a_line_that_was_broken_off(folder: Path) -> None:
    erasure.erase("a@vendor.example")
    with (folder / "erasures.log").open("a") as log:
        log.write("2026-11-24T10:00")
    erasure.erase("b@vendor.example")
    whose = {erasure_log.make_pseudonym("a@vendor.example"), erasure_log.make_pseudonym("b@vendor.example")}
    assert set(erasure_log.load_last_erasures()) == whose


@pytest.mark.django_db
def test_order_without_an_address_is_erased_alone_and_again_after_a_restore(
    package: Any, connection: Connection
) -> None:
    order, other = (bodies.place_order(connection, candidate={**CANDIDATE, "email": ""}) for _ in range(2))
    assert erasure.erase_candidate_of(order).orders == 1
    Order.objects.filter(pk=order.pk).update(erased_at=None, candidate_first_name="back")
    assert [each.orders for each in erasure.replay_log()] == [1]
    names = dict(Order.objects.values_list("pk", "candidate_first_name"))
    assert names == {order.pk: "", other.pk: f"{CANARY}-first"}


@pytest.mark.django_db
def test_command_reads_the_address_from_standard_input(known: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"  {EMAIL}\n"))
    assert run().startswith("Erased from 1 orders")
    assert run(EMAIL) == "Nothing to erase: no order has this candidate.\n"


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "ada", "   "])
def test_command_refuses_what_is_no_address(given: str) -> None:
    with pytest.raises(CommandError, match="Give the candidate's email address"):
        run(given)


@pytest.mark.django_db
def test_command_erases_nothing_where_the_log_cannot_be_written(known: Order, folder: Path) -> None:
    (folder / "erasures.log").mkdir()
    with pytest.raises(CommandError, match="Nothing was erased"):
        run(EMAIL)
    known.refresh_from_db()
    assert known.erased_at is None


@pytest.mark.django_db
def test_staff_erase_after_a_page_that_says_what_will_happen(staff_browser: Browser, known: Order) -> None:
    act = f"/admin/orders/order/{known.pk}/act/erase/"
    assert act in text(staff_browser.get(page_of(known)))
    page = text(staff_browser.get(act))
    assert "from every order with this email address: 1." in page
    assert "This cannot be undone." in page
    assert Order.objects.get().erased_at is None
    answer = staff_browser.post(act, follow=True)
    assert "Erased: 1 order, 1 file." in text(answer)
    assert (act in text(answer), CANARY in text(answer)) == (False, False)
    for said in (
        "Erased here with the candidate’s data. No result was confirmed by SmartRecruiters.",
        "<dt>Requester</dt><dd>erased with the candidate</dd>",
        '<p class="timeline__what"><bdi>Candidate erased</bdi></p>',
    ):
        assert said in text(answer)
    assert OrderEvent.objects.get(what="Candidate erased").by == "stella@vendor.example"
    assert AuditEntry.objects.get(action="candidate.erased").actor_name == "stella@vendor.example"
