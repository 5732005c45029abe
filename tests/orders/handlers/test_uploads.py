"""Uploads of reports to SmartRecruiters: sent once in every case, and kept by all later results."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connections as db_connections
from django.test import Client as Browser
from rest_framework.test import APIClient

from integrations.models import Connection, PartnerConfiguration
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Attempt, Delivery, Stream
from integrations.outbox.sending.settlement import Settlement
from orders import attachments, reconciliation, results, timeline
from orders import uploads as ledger
from orders.models import Attachment, Order, Upload
from orders.privacy import erasure
from tests.integrations.outbox.peer import Answer, Peer, Received, run_peer
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.4\n%%EOF"
THEIRS = "https://files.smartrecruiters.example/f/1/report.pdf"
UPLOADED = Answer(201, {"url": THEIRS})
Carry = Callable[[], None]


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.SMARTRECRUITERS_API_URL = peer.url
        token = {"access_token": "t1", "token_type": "Bearer", "expires_in": 1800}
        peer.script["/identity/oauth/token"] = [Answer(200, token)] * 9
        yield peer


@pytest.fixture
def connection(connection: Connection) -> Connection:
    Connection.objects.update(report_delivery="upload")
    connection.refresh_from_db()
    return connection


def path(order: Order, rest: str = "") -> str:
    return f"/assessment-api/v202010/orders/{order.smartrecruiters_order_id}/results{rest}"


def script(peer: Peer, order: Order, *answers: Answer) -> None:
    peer.script[path(order, "/attachment")] = list(answers)


def patches(peer: Peer, order: Order) -> list[Any]:
    return [received.body for received in peer.received if received.path == path(order)]


def uploads(peer: Peer) -> list[Any]:
    return [received for received in peer.received if received.path.endswith("/attachment")]


def report_with_file(order: Order, content: bytes = PDF, status: str = "COMPLETED", **more: Any) -> Attachment:
    attachment, _ = attachments.add_file(order.pk, content, **{"name": "report.pdf", "by": "engine", **more})
    results.report(order.pk, {"status": status}, by="engine")
    return attachment


def link(attachment: Attachment) -> str:
    return f"http://localhost:8000/files/{attachment.link_token}"


def entry(url: str) -> dict[str, str]:
    return {"type": "PDF_URL", "url": url}


def state() -> tuple[str, str]:
    """Of the upload, and of its delivery."""
    return Upload.objects.get().state, Delivery.objects.filter(kind="upload").latest("pk").state


def test_file_is_uploaded_and_listed_once_its_address_is_known(
    peer: Peer, order: Order, run_courier: Carry, engine: APIClient
) -> None:
    script(peer, order, UPLOADED)
    attachment = report_with_file(order)
    run_courier()
    [received] = uploads(peer)
    assert (received.token, received.content_type.partition(";")[0]) == ("t1", "multipart/form-data")
    assert b'name="file"; filename="report.pdf"\r\nContent-Type: application/pdf\r\n\r\n' + PDF in received.body
    assert patches(peer, order) == [
        {"status": "COMPLETED"},
        {"status": "COMPLETED", "attachments": [entry(THEIRS)]},
    ]
    assert state() == ("sent", "delivered")
    assert engine.get(f"/api/vendor/v1/orders/{order.pk}").json()["attachments"][0]["url"] == link(attachment)
    assert "Report uploaded to SmartRecruiters" in [line["what"] for line in timeline.build_timeline(order)]
    assert reconciliation.reconcile().gap == 0


def test_no_address_of_a_report_is_left_behind(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, UPLOADED)
    peer.script[path(order)] = [Answer(), Answer(200, {"attachments": [entry(THEIRS)]})]
    report_with_file(order)
    run_courier()
    kept = [f"{attempt.request}{attempt.response}" for attempt in Attempt.objects.all()]
    kept += [str(payload) for payload in Delivery.objects.values_list("payload", flat=True)]
    assert not [each for each in kept if THEIRS in each]
    assert THEIRS not in Upload.objects.get().url_sealed


def test_part_name_is_a_setting(peer: Peer, order: Order, run_courier: Carry) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(upload_part_name="document")
    script(peer, order, UPLOADED)
    report_with_file(order)
    run_courier()
    assert b'name="document"; filename="report.pdf"' in uploads(peer)[0].body


@pytest.mark.parametrize(
    ("configured", "own", "is_uploaded"),
    [("hosted", "", False), ("upload", "", True), ("upload", "hosted", False), ("hosted", "upload", True)],
)
def test_connection_decides_or_else_the_configuration(
    peer: Peer, order: Order, run_courier: Carry, configured: str, own: str, is_uploaded: bool
) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(report_delivery=configured)
    Connection.objects.update(report_delivery=own)
    script(peer, order, UPLOADED)
    attachment = report_with_file(order)
    run_courier()
    assert len(uploads(peer)) == is_uploaded
    assert patches(peer, order)[-1]["attachments"] == [entry(THEIRS if is_uploaded else link(attachment))]


def test_inline_order_gets_links(peer: Peer, connection: Connection, inline_order: Order, run_courier: Carry) -> None:
    attachment = report_with_file(inline_order)
    run_courier()
    assert uploads(peer) == []
    assert patches(peer, inline_order) == [{"status": "COMPLETED", "attachments": [entry(link(attachment))]}]


def test_address_of_the_engine_is_no_upload(peer: Peer, order: Order, run_courier: Carry) -> None:
    video = {"type": "VIDEO_URL", "url": "https://engine.example/v/1"}
    attachments.add_url(order.pk, video["url"], type="VIDEO_URL", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert uploads(peer) == []
    assert patches(peer, order) == [{"status": "COMPLETED", "attachments": [video]}]


def test_what_went_out_as_a_link_stays_one(peer: Peer, order: Order, run_courier: Carry) -> None:
    Connection.objects.update(report_delivery="hosted")
    attachment = report_with_file(order, status="IN_PROGRESS")
    run_courier()
    Connection.objects.update(report_delivery="upload")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert uploads(peer) == []
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": [entry(link(attachment))]}


def test_same_content_five_times_is_one_upload(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, UPLOADED)
    for number in range(5):
        attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
        results.report(order.pk, {"summary": f"{number}", "status": "IN_PROGRESS"}, by="engine")
        run_courier()
    attachments.add_file(order.pk, PDF, name="again.pdf", assessment_id="logic", by="engine")
    run_courier()
    assert len(uploads(peer)) == 1
    assert patches(peer, order)[-1] == {
        "status": "IN_PROGRESS",
        "summary": "4",
        "attachments": [entry(THEIRS)],
        "assessmentResults": [{"assessmentId": "logic", "attachments": [entry(THEIRS)]}],
    }


def test_file_that_comes_later_repeats_nothing(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, UPLOADED, Answer(425), Answer(201, {"url": f"{THEIRS}?2"}))
    report_with_file(order)
    run_courier()
    attachments.add_file(order.pk, PDF + b"\n", name="more.pdf", by="engine")
    run_courier()
    assert (len(patches(peer, order)), reconciliation.reconcile().gap) == (2, 0)
    Delivery.objects.filter(state="pending").update(due_at=clock.now())
    run_courier()
    assert patches(peer, order)[1:] == [
        {"status": "COMPLETED", "attachments": [entry(THEIRS)]},
        {"status": "COMPLETED", "attachments": [entry(THEIRS), entry(f"{THEIRS}?2")]},
    ]


def test_report_of_an_assessment_moves_there(peer: Peer, order: Order, run_courier: Carry) -> None:
    """An upload lands with the package."""
    script(peer, order, UPLOADED)
    report_with_file(order, assessment_id="logic")
    run_courier()
    assert patches(peer, order)[-1] == {
        "status": "COMPLETED",
        "attachments": [],
        "assessmentResults": [{"assessmentId": "logic", "attachments": [entry(THEIRS)]}],
    }


def test_upload_that_is_tried_for_long_holds_up_no_result(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, *[Answer(425)] * 9)
    report_with_file(order, status="IN_PROGRESS")
    run_courier()
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert [patch["status"] for patch in patches(peer, order)] == ["IN_PROGRESS", "COMPLETED"]
    assert state() == ("planned", "pending")


def test_upload_waits_for_a_result_that_would_take_it_away(peer: Peer, order: Order) -> None:
    attachments.add_url(order.pk, "https://engine.example/1", type="PDF_URL", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    on_its_way = Delivery.objects.get(kind="result")
    Delivery.objects.filter(pk=on_its_way.pk).update(state="in_flight")
    attachments.add_file(order.pk, PDF, by="engine")
    upload = Delivery.objects.get(kind="upload")
    handler = get_handler(upload)
    assert handler.is_blocked(upload)
    Delivery.objects.filter(pk=on_its_way.pk).update(state="delivered")
    assert not handler.is_blocked(upload)


@pytest.mark.parametrize(
    "lost", [Answer(breaks_off=True), Answer(500), Answer(302), Answer(200, []), Answer(201, {}), Answer(201, b"<p>")]
)
def test_lost_answer_is_found_by_the_next_result(peer: Peer, order: Order, run_courier: Carry, lost: Answer) -> None:
    script(peer, order, lost)
    peer.script[path(order)] = [Answer(), Answer(200, {"status": "COMPLETED", "attachments": [entry(THEIRS)]})]
    report_with_file(order)
    run_courier()
    assert len(uploads(peer)) == 1
    assert state() == ("sent", "delivered")
    assert Delivery.objects.get(kind="upload").reason == "SmartRecruiters lists it in the response to a later result"
    assert patches(peer, order) == [
        {"status": "COMPLETED"},
        {"status": "COMPLETED"},
        {"status": "COMPLETED", "attachments": [entry(THEIRS)]},
    ]


def test_upload_that_had_no_effect_goes_out_as_a_link(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(breaks_off=True))
    attachment = report_with_file(order)
    run_courier()
    assert len(uploads(peer)) == 1
    assert state() == ("refused", "failed")
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": [entry(link(attachment))]}


def test_two_in_doubt_are_told_apart_by_name(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(500), Answer(500))
    there = [entry(f"https://files.smartrecruiters.example/{n}/{n}.pdf") for n in ("b", "a")]
    attachments.add_file(order.pk, PDF, name="a.pdf", by="engine")
    attachments.add_file(order.pk, PDF + b"\n", name="b.pdf", by="engine")
    peer.answer = lambda received: (
        Answer(200, {"attachments": there})
        if received.path == path(order) and len(uploads(peer)) == 2
        else peer._next_answer(received)
    )
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    assert len(uploads(peer)) == 2
    assert [upload.state for upload in Upload.objects.all()] == ["sent", "sent"]
    assert patches(peer, order)[-1]["attachments"] == list(reversed(there))


@pytest.mark.parametrize("other", ["in_flight", "unknown"])
def test_address_may_be_of_an_upload_that_went_out_after_the_result(order: Order, other: str) -> None:
    """The first was in doubt when a result went out; before that was answered the second arrived, of the same name."""
    for content in (PDF, PDF + b"\n"):
        attachments.add_file(order.pk, content, name="report.pdf", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    doubt, later = Delivery.objects.filter(kind="upload").order_by("pk")
    Delivery.objects.filter(pk=doubt.pk).update(state="unknown")
    Delivery.objects.filter(pk=later.pk).update(state=other)
    assert not ledger.resolve_from_response(order, [doubt], {"attachments": [entry(THEIRS)]})
    assert {upload.state for upload in Upload.objects.all()} == {"planned"}
    doubt.refresh_from_db()
    assert doubt.state == "unknown"
    assert ledger.resolve_from_response(order, [doubt], {"attachments": []})
    assert ledger.load_upload(doubt).state == "refused"


def test_doubt_that_the_answer_does_not_settle_is_left_to_a_person(
    peer: Peer, order: Order, run_courier: Carry, staff_browser: Browser
) -> None:
    script(peer, order, Answer(500))
    two = [entry(f"https://files.smartrecruiters.example/{n}") for n in (1, 2)]
    peer.script[path(order)] = [Answer(), Answer(200, {"attachments": two})]
    report_with_file(order)
    run_courier()
    run_courier()
    assert (state(), len(uploads(peer))) == (("planned", "unknown"), 1)
    assert "attachments" not in patches(peer, order)[-1]
    upload = Delivery.objects.get(kind="upload")
    peer.script[path(order)] = [Answer(200, {"attachments": two[:1]})]
    staff_browser.post(f"/admin/outbox/delivery/{upload.pk}/act/settle/")
    run_courier()
    assert (state(), len(uploads(peer))) == (("sent", "delivered"), 1)
    assert patches(peer, order)[-1]["attachments"] == two[:1]


def test_person_may_have_an_unknown_one_sent_again(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(500), UPLOADED)
    two = [entry(f"https://files.smartrecruiters.example/{n}") for n in (1, 2)]
    peer.script[path(order)] = [Answer(), Answer(200, {"attachments": two})]
    report_with_file(order)
    run_courier()
    deliveries.replay(Delivery.objects.get(kind="upload"))
    run_courier()
    assert (state(), len(uploads(peer))) == (("sent", "delivered"), 2)
    assert patches(peer, order)[-1]["attachments"] == [entry(THEIRS)]


def test_upload_whose_courier_died_is_in_doubt_and_not_repeated(
    peer: Peer, order: Order, run_courier: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(peer, order, UPLOADED)
    report_with_file(order)
    settle = Settlement.settle_outcome

    def dies(self: Settlement, outcome: Any) -> None:
        if outcome.delivery.kind == "upload":
            raise SystemExit
        settle(self, outcome)

    monkeypatch.setattr(Settlement, "settle_outcome", dies)
    with pytest.raises(SystemExit):
        run_courier()
    monkeypatch.undo()
    Stream.objects.update(lease_expires_at=None)
    peer.answer = lambda received: (
        Answer(200, {"attachments": [entry(THEIRS)]}) if received.path == path(order) else peer._next_answer(received)
    )
    run_courier()
    assert (state(), len(uploads(peer))) == (("sent", "delivered"), 1)
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": [entry(THEIRS)]}


@pytest.mark.parametrize("status", [400, 403, 404, 413, 415, 422])
def test_refused_upload_goes_out_as_a_link(
    peer: Peer, order: Order, run_courier: Carry, status: int, staff_browser: Browser
) -> None:
    script(peer, order, Answer(status, {"errors": [{"code": "NO", "message": "we do not take this"}]}))
    attachment = report_with_file(order)
    run_courier()
    assert len(uploads(peer)) == 1
    assert state() == ("refused", "failed")
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": [entry(link(attachment))]}
    assert Stream.objects.get(name__startswith="connection").forbidden_in_a_row == 0
    assert "we do not take this" in staff_browser.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
    assert reconciliation.reconcile().gap == 0


def test_refused_upload_may_be_sent_again(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(413), UPLOADED)
    report_with_file(order)
    run_courier()
    deliveries.replay(Delivery.objects.get(kind="upload"))
    run_courier()
    assert state() == ("sent", "delivered")
    assert patches(peer, order)[-1]["attachments"] == [entry(THEIRS)]


def test_refused_upload_that_is_lost_when_sent_again_is_asked_for(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, Answer(413), Answer(500))
    attachment = report_with_file(order)
    run_courier()
    deliveries.replay(Delivery.objects.get(kind="upload"))
    there = [entry(link(attachment)), entry(THEIRS)]
    peer.script[path(order)] = [Answer(200, {"attachments": there})]
    run_courier()
    assert state() == ("sent", "delivered")
    assert "attachments" not in patches(peer, order)[-2]
    assert patches(peer, order)[-1]["attachments"] == [entry(THEIRS)]


def test_upload_that_never_got_through_goes_out_as_a_link_after_a_day(
    peer: Peer, order: Order, run_courier: Carry, advance_clock: Callable[[timedelta], None]
) -> None:
    script(peer, order, *[Answer(425)] * 40)
    attachment = report_with_file(order)
    for _ in range(12):
        run_courier()
        advance_clock(timedelta(hours=5))
    run_courier()
    assert state() == ("refused", "failed")
    assert patches(peer, order)[-1]["attachments"] == [entry(link(attachment))]


@pytest.mark.parametrize("fault", ["missing", "changed"])
def test_damaged_file_is_not_sent_and_the_result_is(
    peer: Peer,
    order: Order,
    run_courier: Carry,
    folder: Path,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    staff_browser: Browser,
) -> None:
    attachment = report_with_file(order)
    stored = folder / attachment.file
    stored.unlink() if fault == "missing" else stored.write_bytes(PDF.replace(b"4", b"5"))
    run_courier()
    assert (uploads(peer), patches(peer, order)) == ([], [{"status": "COMPLETED"}])
    assert state() == ("damaged", "failed")
    assert Delivery.objects.get(kind="upload").reason.startswith("the file is damaged: ")
    assert "report not uploaded" in caplog.text
    assert "the file is damaged" in staff_browser.get(f"/admin/orders/order/{order.pk}/change/").content.decode()


def test_file_that_is_mended_may_be_sent_again(peer: Peer, order: Order, run_courier: Carry, folder: Path) -> None:
    script(peer, order, UPLOADED)
    attachment = report_with_file(order)
    (folder / attachment.file).rename(folder / "away")
    run_courier()
    (folder / "away").rename(folder / attachment.file)
    deliveries.replay(Delivery.objects.get(kind="upload"))
    run_courier()
    assert (state(), patches(peer, order)[-1]["attachments"]) == (("sent", "delivered"), [entry(THEIRS)])


def test_removed_before_its_turn_is_never_uploaded(peer: Peer, order: Order, run_courier: Carry) -> None:
    attachment = report_with_file(order)
    attachments.remove(order.pk, attachment.pk, by="engine")
    run_courier()
    assert (uploads(peer), state()) == ([], ("removed", "superseded"))
    script(peer, order, UPLOADED)
    attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    run_courier()
    assert (len(uploads(peer)), patches(peer, order)[-1]["attachments"]) == (1, [entry(THEIRS)])


def test_erasure_forgets_where_a_report_lies(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, UPLOADED)
    report_with_file(order)
    run_courier()
    erasure.erase(order.candidate_email)
    assert not Upload.objects.exists()
    assert THEIRS not in str(list(Delivery.objects.values()) + list(Attempt.objects.values()))
    run_courier()
    assert len(patches(peer, order)) == 2


def test_removed_afterwards_is_taken_away(peer: Peer, order: Order, run_courier: Carry) -> None:
    script(peer, order, UPLOADED)
    attachment = report_with_file(order)
    run_courier()
    attachments.remove(order.pk, attachment.pk, by="engine")
    run_courier()
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": []}


@pytest.mark.parametrize("answer", [UPLOADED, Answer(breaks_off=True)])
@pytest.mark.parametrize("links", [[], ["https://engine.example/1"]])
def test_removed_on_its_way_is_taken_away(
    peer: Peer, order: Order, run_courier: Carry, answer: Answer, links: list[str]
) -> None:
    """With and without its response, and also if the result did not change."""
    for url in links:
        attachments.add_url(order.pk, url, type="PDF_URL", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    run_courier()
    attachment, _ = attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    happened: list[str] = []

    def removing(received: Received) -> Answer:
        happened.append(received.path)
        if received.path != path(order, "/attachment"):
            return peer._next_answer(received)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(in_own_thread, partial(attachments.remove, order.pk, attachment.pk, by="engine")).result()
        return replace(answer, seconds=1.5)  # a round passes while it is on its way

    peer.answer = removing
    run_courier()
    run_courier()
    assert happened[-1] == path(order)
    assert patches(peer, order)[-1] == {"status": "COMPLETED", "attachments": [entry(url) for url in links]}


def in_own_thread(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        db_connections.close_all()


def test_address_of_a_removed_report_is_not_given_to_the_one_in_its_place(order: Order) -> None:
    """Both were on their way when the courier crashed. The removed one arrived."""
    first, _ = attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.filter(kind="upload").update(state="in_flight")
    attachments.remove(order.pk, first.pk, by="engine")
    attachments.add_file(order.pk, PDF + b"\n", name="report.pdf", by="engine")
    Delivery.objects.filter(kind="upload").update(state="unknown")
    doubt = Delivery.objects.filter(kind="upload").latest("pk")
    assert not ledger.resolve_from_response(order, [doubt], {"attachments": [entry(THEIRS)]})
    assert ledger.load_upload(doubt).state == "planned"


def test_what_was_left_out_while_an_upload_was_open_is_taken_away_all_the_same(
    peer: Peer, order: Order, run_courier: Carry
) -> None:
    script(peer, order, *[Answer(425)] * 9)
    address, _ = attachments.add_url(order.pk, "https://engine.example/1", type="PDF_URL", by="engine")
    results.report(order.pk, {"status": "IN_PROGRESS"}, by="engine")
    run_courier()
    attachment = report_with_file(order)
    run_courier()
    for each in (attachment, address):
        attachments.remove(order.pk, each.pk, by="engine")
    run_courier()
    assert patches(peer, order)[1:] == [{"status": "COMPLETED"}, {"status": "COMPLETED", "attachments": []}]


def test_nothing_is_uploaded_before_anything_is_reported(peer: Peer, order: Order, run_courier: Carry) -> None:
    attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    run_courier()
    assert uploads(peer) == []


def test_upload_is_held_with_its_connection(
    peer: Peer, order: Order, run_courier: Carry, connection: Connection
) -> None:
    script(peer, order, UPLOADED)
    deliveries.hold_stream(connection.stream_name, "disconnected")
    report_with_file(order)
    run_courier()
    assert (state(), uploads(peer)) == (("planned", "held"), [])
    deliveries.release_stream(connection.stream_name)
    run_courier()
    assert (state(), len(uploads(peer))) == (("sent", "delivered"), 1)


@pytest.mark.parametrize(
    ("act", "kept", "shown"),
    [
        ("reports-uploaded", "upload", "the file, uploaded to smartrecruiters"),
        ("reports-linked", "hosted", "a link to the report, hosted here"),
        ("reports-configured", "", "a link to the report, hosted here (default of the partner configuration)"),
    ],
)
def test_staff_choose_how_reports_reach_a_company(
    staff_browser: Browser, connection: Connection, act: str, kept: str, shown: str
) -> None:
    Connection.objects.update(report_delivery="upload" if kept != "upload" else "")
    page = f"/admin/integrations/connection/{connection.pk}"
    assert staff_browser.get(f"{page}/act/{act}/").status_code == 200
    staff_browser.post(f"{page}/act/{act}/")
    connection.refresh_from_db()
    assert connection.report_delivery == kept
    assert shown in staff_browser.get(f"{page}/change/").content.decode()


def test_order_placed_while_another_uploads_is_not_mixed_up(
    peer: Peer, order: Order, connection: Connection, run_courier: Carry
) -> None:
    other = bodies.place_order(connection)
    for number, each in enumerate((order, other)):
        script(peer, each, Answer(201, {"url": f"{THEIRS}?{number}"}))
        report_with_file(each)
    run_courier()
    assert [patches(peer, each)[-1]["attachments"] for each in (order, other)] == [
        [entry(f"{THEIRS}?0")],
        [entry(f"{THEIRS}?1")],
    ]
