from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import audit, mail
from integrations.outbox import handlers
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.sending import failure_messages
from orders import timeline
from orders.models import Hop, Order, OrderEvent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
S = DeliveryState


def delivery(state: str = S.PENDING, stream: str = "connection:7", **columns: Any) -> Delivery:
    """Build an unsaved delivery. `tried` adds its attempts."""
    return Delivery(
        pk=columns.pop("pk", 1), kind=columns.pop("kind", "result"), stream=Stream(name=stream), state=state,
        due_at=NOON + timedelta(minutes=9), created_at=NOON, **columns,
    )  # fmt: skip


def tried(of: Delivery, *attempts: dict[str, Any]) -> Delivery:
    rows = [
        Attempt(pk=n, delivery=of, number=n, **{"started_at": NOON + timedelta(minutes=n), **columns})
        for n, columns in enumerate(attempts, start=1)
    ]
    of._prefetched_objects_cache = {"attempts": rows}  # type: ignore[attr-defined]
    return of


def whats(*deliveries: Delivery) -> list[str]:
    return [line["what"] for line in timeline.merge_entries([], deliveries)]


def test_timeline_of_an_event_is_the_event() -> None:
    event = OrderEvent(at=NOON, hop=Hop.IN, what="Ordered: Skills", by="SmartRecruiters", detail={"inline": False})
    assert timeline.merge_entries([event], []) == [
        {"at": NOON, "hop": "in", "what": "Ordered: Skills", "by": "SmartRecruiters", "detail": {"inline": False}}
    ]


def test_timeline_of_an_attempt_says_when_the_next_one_is() -> None:
    failed = tried(delivery(), {"status": 503, "outcome": "pause", "duration_ms": 40})
    assert timeline.merge_entries([], [failed]) == [
        {
            "at": NOON + timedelta(minutes=1),
            "hop": "out",
            "what": "SmartRecruiters was not available (503)",
            "by": "",
            "detail": {
                "delivery": 1, "kind": "result", "try": 1, "status": 503, "duration_ms": 40, "error": None,
                "outcome": "pause", "next_try_at": "2026-03-02T12:09:00+00:00",
            },
        }
    ]  # fmt: skip


def test_timeline_has_the_newest_on_top() -> None:
    later = OrderEvent(at=NOON + timedelta(hours=1), hop=Hop.ENGINE, what="Reported as completed")
    first, second = (OrderEvent(at=NOON, hop=Hop.IN, what=what) for what in ("Ordered", "Accepted"))
    sent = tried(delivery(S.DELIVERED), {"outcome": "delivered", "status": 200})
    assert [line["what"] for line in timeline.merge_entries([later, second, first], [sent])] == [
        "Reported as completed",
        "Result delivered to SmartRecruiters",
        "Accepted",
        "Ordered",
    ]


@pytest.mark.parametrize(
    ("stream", "kind", "hop", "what"),
    [
        ("connection:7", "result", "out", "Result delivered to SmartRecruiters"),
        ("connection:7", "hiring_team", "out", "Hiring team read from SmartRecruiters"),
        ("email", "invitation", "candidate", "Invitation handed to the mail server"),
        ("webhook:3", "webhook", "engine", "Engine notified"),
        ("webhook:3", "order_created", "engine", "Order created delivered"),
    ],
)
def test_timeline_puts_a_delivery_into_its_lane(stream: str, kind: str, hop: str, what: str) -> None:
    sent = tried(delivery(S.DELIVERED, stream, kind=kind), {"outcome": "delivered"})
    line = timeline.merge_entries([], [sent])[0]
    assert (line["hop"], line["what"]) == (hop, what)


@pytest.mark.parametrize("handler", handlers.registered_handlers(), ids=lambda handler: handler.kind)
def test_every_kind_of_delivery_names_its_peer_and_itself(handler: handlers.Handler) -> None:
    is_email = isinstance(handler, mail.EmailHandler)
    peer = "The mail server" if is_email else "The engine" if handler.kind == "webhook" else "SmartRecruiters"
    assert failure_messages.translate_reason("503", handler) == f"{peer} was not available (503)"
    assert (handler.phrase[:4], handler.channel == "email") == ("the ", is_email)
    assert handler.delivered_text.split()[0] in (handler.label.split()[0], "Report", "Engine")
    assert bool(getattr(handler, "previews", ())) == is_email


@pytest.mark.parametrize(
    ("state", "attempt", "what"),
    [
        (S.PENDING, {"error": "too slow", "outcome": "retry"}, "Sending the result failed: too slow"),
        (S.PENDING, {"status": 200, "error": "the answer is not JSON", "outcome": "retry"},
         "SmartRecruiters answered 200, but not as expected: the answer is not JSON"),
        (S.PENDING, {"outcome": "lost"}, "The courier stopped while sending the result"),
        (S.PENDING, {"outcome": "bug", "error": "KeyError"}, "Internal error while sending the result: KeyError"),
        (S.IN_FLIGHT, {}, "The result is on its way"),
        (S.FAILED, {"status": 422, "outcome": "fail"},
         "SmartRecruiters found something wrong with the result (422). It is not retried automatically"),
        (S.FAILED, {"status": 418, "outcome": "fail"},
         "SmartRecruiters did not accept the result (418). It is not retried automatically"),
        (S.UNKNOWN, {"error": "the connection broke", "outcome": "unknown"},
         "Sending the result failed: the connection broke. Its outcome is unknown"),
        (S.DELIVERED, {"status": 401, "outcome": "no access"},
         "SmartRecruiters denied access to the result"),
    ],
)  # fmt: skip
def test_timeline_says_in_words_what_became_of_an_attempt(state: str, attempt: dict[str, Any], what: str) -> None:
    assert whats(tried(delivery(state), attempt)) == [what]


def test_timeline_says_why_a_tried_delivery_is_held() -> None:
    held = delivery(S.HELD, reason="The connection needs a reconnect.")
    assert whats(tried(held, {"status": 401, "outcome": "new token"})) == [
        "SmartRecruiters did not accept our token for the result (401). It is on hold: The connection needs a reconnect"
    ]


@pytest.mark.parametrize(
    ("state", "reason", "what"),
    [
        (S.PENDING, "", ["The result waits for its turn"]),
        (S.HELD, "The customer ended it.", ["The result is on hold: The customer ended it."]),
        (S.FAILED, "no such thing", ["The result cannot be sent: no such thing"]),
        (S.SUPERSEDED, "the candidate was erased", ["The result was not sent: the candidate was erased"]),
        (S.SUPERSEDED, "a newer one says more", []),
        (S.DELIVERED, "settled by a person", []),
    ],
)
def test_timeline_of_a_delivery_without_attempts(state: str, reason: str, what: list[str]) -> None:
    assert whats(tried(delivery(state, reason=reason))) == what


@pytest.mark.django_db
def test_timeline_of_an_order_takes_four_queries(order: Order, django_assert_num_queries: Any) -> None:
    Attempt.objects.create(delivery=Delivery.objects.all()[0], number=1, started_at=NOON)
    with django_assert_num_queries(4):
        lines = timeline.build_timeline(order)
    assert {line["hop"] for line in lines} == {"in", "out", "candidate"}


@pytest.mark.django_db
def test_timeline_says_who_sent_a_delivery_again(order: Order) -> None:
    sent = Delivery.objects.get(kind="invitation")
    audit.record("delivery.replayed", order.pk, delivery=sent.pk)
    audit.record("delivery.settled", order.pk, delivery=0)
    audit.record("order.viewed", order.pk)
    lines = timeline.build_timeline(order)[:2]
    assert [(line["hop"], line["what"]) for line in lines] == [
        ("out", "A delivery was found at the other side and marked as delivered"),
        ("candidate", "The invitation is sent again manually"),
    ]
