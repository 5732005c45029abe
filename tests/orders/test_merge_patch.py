"""The merge patch: complete arrays, `null` once for a cleared key, no links in stored payloads."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone as now

from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders import attachments, merge_patch, results
from orders.models import Attachment, Order

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n%%EOF\n"
S = DeliveryState


def report(order: Order, **changes: Any) -> None:
    results.report(order.pk, changes, by="engine", correction="a test")


def newest() -> Delivery:
    return Delivery.objects.filter(kind="result").order_by("-pk")[0]


def settle(state: DeliveryState, *, attempted: bool = True) -> dict[str, Any]:
    """Set the newest delivery's state, as the courier would, and return its payload."""
    delivery = newest()
    if attempted:
        Attempt.objects.create(delivery=delivery, number=1, started_at=now.now())
    Delivery.objects.filter(pk=delivery.pk).update(state=state)
    payload: dict[str, Any] = delivery.payload
    return payload


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (datetime(2020, 8, 28, 20, 36, 28, 618_999, tzinfo=UTC), "2020-08-28T20:36:28.618Z"),
        (datetime(2020, 8, 28, 20, 36, 28, tzinfo=UTC), "2020-08-28T20:36:28.000Z"),
        (datetime(2020, 8, 29, 1, 0, 0, tzinfo=timezone(timedelta(hours=5))), "2020-08-28T20:00:00.000Z"),
    ],
)
def test_instants_are_utc_in_milliseconds(at: datetime, text: str) -> None:
    assert merge_patch.format_instant(at) == text


def test_only_what_was_set_is_sent(order: Order) -> None:
    report(order, summary="x")
    assert newest().payload == {"summary": "x"}


def test_every_key_has_its_wire_name(order: Order) -> None:
    at = datetime(2020, 8, 28, 20, 36, 28, 618_000, tzinfo=UTC)
    score = {"raw": 28, "min": 20, "max": 80}
    both = {
        "status": "COMPLETED",
        "submission_date": at,
        "name": "n",
        "summary": "s",
        "score_label": "l",
        "score": score,
    }
    part = {"assessment_id": "logic", "assessment_date": at, **both}
    report(order, assessment_package_date=at, **both, assessment_results=[part])
    text = "2020-08-28T20:36:28.618Z"
    wanted = {
        "status": "COMPLETED",
        "submissionDate": text,
        "name": "n",
        "summary": "s",
        "scoreLabel": "l",
        "score": score,
    }
    assert newest().payload == {
        **wanted,
        "assessmentPackageDate": text,
        "assessmentResults": [{"assessmentId": "logic", "assessmentDate": text, **wanted}],
    }


def test_cleared_key_is_null_until_that_has_arrived_and_then_left_out(order: Order) -> None:
    report(order, status="IN_PROGRESS", summary="x")
    settle(S.DELIVERED)
    report(order, summary=None)
    assert settle(S.FAILED) == {"status": "IN_PROGRESS", "summary": None}
    report(order, score_label="l")
    assert settle(S.DELIVERED) == {"status": "IN_PROGRESS", "scoreLabel": "l", "summary": None}
    report(order, score_label="m")
    assert newest().payload == {"status": "IN_PROGRESS", "scoreLabel": "m"}


@pytest.mark.parametrize(
    ("state", "attempted", "is_null"),
    [
        (S.PENDING, False, False),
        (S.HELD, False, False),
        (S.PENDING, True, True),
        (S.HELD, True, True),
        (S.IN_FLIGHT, False, True),
        (S.IN_FLIGHT, True, True),
        (S.FAILED, True, True),
        (S.FAILED, False, False),
        (S.DELIVERED, True, True),
    ],
)
def test_cleared_key_is_null_if_it_was_perhaps_sent(
    order: Order, state: DeliveryState, attempted: bool, is_null: bool
) -> None:
    report(order, status="IN_PROGRESS", name="n")
    settle(state, attempted=attempted)
    report(order, name=None)
    assert newest().payload == {"status": "IN_PROGRESS"} | ({"name": None} if is_null else {})


def test_nothing_is_sent_when_all_was_taken_back_unsent(order: Order) -> None:
    report(order, summary="x")
    report(order, summary=None)
    assert list(Delivery.objects.filter(kind="result").values_list("state", flat=True)) == ["superseded"]


def test_cleared_score_of_an_assessment_is_left_out_of_its_entry(order: Order) -> None:
    report(order, assessment_results=[{"assessment_id": "logic", "name": "L", "score": {"raw": 1, "min": 0, "max": 2}}])
    settle(S.DELIVERED)
    report(order, assessment_results=[{"assessment_id": "logic", "score": None}])
    assert settle(S.DELIVERED) == {"assessmentResults": [{"assessmentId": "logic", "name": "L"}]}
    report(order, assessment_results=[{"assessment_id": "logic", "name": None}])
    assert newest().payload == {"assessmentResults": []}


def test_attachments_are_always_all_of_them(order: Order) -> None:
    attachments.add_url(order.pk, "https://e.example/1", type="VIDEO_URL", by="engine")
    report(order, status="COMPLETED")
    attachments.add_url(order.pk, "https://e.example/2", type="PDF_URL", by="engine")
    attachments.add_url(order.pk, "https://e.example/3", type="OTHER_URL", assessment_id="typing", by="engine")
    assert newest().payload == {
        "status": "COMPLETED",
        "attachments": [
            {"type": "VIDEO_URL", "url": "https://e.example/1"},
            {"type": "PDF_URL", "url": "https://e.example/2"},
        ],
        "assessmentResults": [
            {"assessmentId": "typing", "attachments": [{"type": "OTHER_URL", "url": "https://e.example/3"}]}
        ],
    }


def test_last_attachment_that_goes_leaves_an_empty_array_once(order: Order) -> None:
    attachments.add_url(order.pk, "https://e.example/1", type="PDF_URL", by="engine")
    report(order, status="COMPLETED")
    settle(S.DELIVERED)
    attachments.remove(order.pk, Attachment.objects.get().pk, by="engine")
    assert settle(S.DELIVERED) == {"status": "COMPLETED", "attachments": []}
    report(order, summary="x")
    assert newest().payload == {"status": "COMPLETED", "summary": "x"}


def test_hosted_report_is_stored_without_its_link_and_sent_with_it(order: Order) -> None:
    report(order, status="COMPLETED")
    attachment, _ = attachments.add_file(order.pk, PDF, name="r.pdf", by="engine")
    inside, _ = attachments.add_file(order.pk, PDF, name="r.pdf", assessment_id="logic", by="engine")
    payload = newest().payload
    assert payload == {
        "status": "COMPLETED",
        "attachments": [{"type": "PDF_URL", "url": f"attachment:{attachment.pk}"}],
        "assessmentResults": [
            {"assessmentId": "logic", "attachments": [{"type": "PDF_URL", "url": f"attachment:{inside.pk}"}]}
        ],
    }
    sent = merge_patch.resolve_urls(payload)
    link = f"{settings.PUBLIC_URL}/files/{attachment.link_token}"
    assert sent["attachments"] == [{"type": "PDF_URL", "url": link}]
    assert sent["assessmentResults"][0]["attachments"][0]["url"].endswith(f"/files/{inside.link_token}")
    assert newest().payload == payload


def test_hosted_report_that_is_gone_is_left_out(order: Order) -> None:
    document = {"attachments": [{"type": "PDF_URL", "url": "attachment:att_gone"}], "summary": None}
    assert merge_patch.resolve_urls(document) == {"attachments": [], "summary": None}


@pytest.mark.parametrize("slash", ["/", "\\/"])
def test_links_are_taken_out_of_what_comes_back(slash: str) -> None:
    text = '{"url":"http://localhost:8000/files/4TMLGmpmDNmXMr3itq2JUZxtqal0EDes"}'.replace("/", slash)
    hidden = '{"url":"http://localhost:8000/files/***"}'.replace("/", slash)
    assert merge_patch.redact_links(text) == hidden
