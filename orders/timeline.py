"""Timeline of an order: its events, every attempt of its deliveries, and staff's actions on these.

The order's admin page and the engine's `GET /orders/{id}/timeline` show the same entries.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypedDict

from integrations.models import AuditEntry
from integrations.outbox.deliveries import SUPERSEDED_REASON
from integrations.outbox.handlers import describe_channel, get_handler
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Ending
from integrations.outbox.sending.failure_messages import NO_ACCESS, describe_failed_attempt
from orders.models import Hop, Order, OrderEvent

S = DeliveryState


class TimelineEntry(TypedDict):
    """An entry as the engine's API shows it. `by` is empty for the portal's own deliveries."""

    at: datetime
    hop: str
    what: str
    by: str
    detail: dict[str, Any]


# By action in the audit log.
STAFF_ACTIONS = {
    "delivery.replayed": "{phrase} is sent again manually",
    "delivery.hurried": "{phrase} is sent at once, manually",
    "delivery.dismissed": "{phrase} cannot be sent again and was dismissed",
    "delivery.settled": "{phrase} was found at the other side and marked as delivered",
}


def _outcome_suffix(attempt: Attempt, delivery: Delivery) -> str:
    """Return the delivery's state after its last attempt, if that failed. Erasure empties reasons."""
    reason = delivery.reason.rstrip(".")
    colon = f": {reason}" if reason else ""
    return {
        S.DELIVERED: "" if attempt.outcome == NO_ACCESS else f". It arrived{colon}",
        S.FAILED: ". It is not retried automatically",
        S.UNKNOWN: ". Its outcome is unknown",
        S.HELD: f". It is on hold{colon}",
        S.SUPERSEDED: f". It is not sent again{colon}",
    }.get(S(delivery.state), "")


def _attempt_text(attempt: Attempt, delivery: Delivery, *, is_last: bool) -> str:
    handler = get_handler(delivery)
    phrase = handler.phrase
    if attempt.outcome == S.DELIVERED:
        is_unsent = delivery.ending == Ending.NOT_SENT
        return f"{phrase.capitalize()} was {delivery.reason or 'not sent'}" if is_unsent else handler.delivered_text
    if not attempt.outcome and is_last and delivery.state == S.IN_FLIGHT:
        return f"{phrase.capitalize()} is on its way"
    text = describe_failed_attempt(attempt, describe_channel(delivery.stream.kind), phrase)
    return text + (_outcome_suffix(attempt, delivery) if is_last else "")


def _build_attempt_entry(attempt: Attempt, delivery: Delivery, *, is_last: bool) -> TimelineEntry:
    is_waiting = is_last and delivery.state == S.PENDING
    detail = {
        "delivery": delivery.pk,
        "kind": delivery.kind,
        "try": attempt.number,
        "status": attempt.status,
        "duration_ms": attempt.duration_ms,
        "error": attempt.error or None,
        "outcome": attempt.outcome or None,
        "next_try_at": delivery.next_attempt_at.isoformat() if is_waiting else None,
    }
    hop, what = describe_channel(delivery.stream.kind).hop, _attempt_text(attempt, delivery, is_last=is_last)
    return TimelineEntry(at=attempt.started_at, hop=hop, what=what, by="", detail=detail)


def _build_delivery_entries(delivery: Delivery) -> list[TimelineEntry]:
    attempts = sorted(delivery.attempts.all(), key=lambda attempt: attempt.pk)
    if attempts:
        return [_build_attempt_entry(attempt, delivery, is_last=attempt is attempts[-1]) for attempt in attempts]
    pause = delivery.stream.pause_reason if delivery.stream.is_paused else ""
    text = {
        S.PENDING: f"waits: {pause}" if pause else "waits for its turn",
        S.IN_FLIGHT: "is on its way",
        S.HELD: f"is on hold: {delivery.reason}",
        S.FAILED: f"cannot be sent: {delivery.reason}",
        S.UNKNOWN: "may or may not have been sent",
        # The newer delivery has its own entry.
        S.SUPERSEDED: "" if delivery.reason == SUPERSEDED_REASON else f"was not sent: {delivery.reason}",
    }.get(S(delivery.state))
    if not text:
        return []
    hop, what = describe_channel(delivery.stream.kind).hop, f"{get_handler(delivery).phrase.capitalize()} {text}"
    detail = {"delivery": delivery.pk, "kind": delivery.kind, "try": 0}
    at = delivery.finished_at or delivery.created_at
    return [TimelineEntry(at=at, hop=hop, what=what, by="", detail=detail)]


def _build_action_entry(entry: AuditEntry, deliveries: dict[int, Delivery]) -> TimelineEntry:
    delivery = deliveries.get(entry.detail.get("delivery", 0))
    phrase = get_handler(delivery).phrase if delivery else "a delivery"
    hop = describe_channel(delivery.stream.kind).hop if delivery else Hop.OUT
    what = STAFF_ACTIONS[entry.action].format(phrase=phrase[0].upper() + phrase[1:])
    detail = {"delivery": delivery.pk if delivery else None, "act": entry.action}
    return TimelineEntry(at=entry.at, hop=hop, what=what, by=entry.actor_name, detail=detail)


def merge_entries(
    events: Iterable[OrderEvent], deliveries: Sequence[Delivery], actions: Iterable[AuditEntry] = ()
) -> list[TimelineEntry]:
    """Merge events, attempts and actions, newest first. Of entries with the same time, the last recorded is first."""
    entries = [TimelineEntry(at=e.at, hop=e.hop, what=e.what, by=e.by, detail=e.detail) for e in events]
    entries.reverse()  # events are loaded newest first; the sort below is stable
    for delivery in deliveries:
        entries += _build_delivery_entries(delivery)
    by_pk = {delivery.pk: delivery for delivery in deliveries}
    entries += [_build_action_entry(entry, by_pk) for entry in actions]
    return sorted(entries, key=lambda entry: entry["at"])[::-1]


def load_deliveries(order: Order) -> list[Delivery]:
    deliveries = Delivery.objects.filter(subject=order.pk).select_related("stream").prefetch_related("attempts")
    return list(deliveries.order_by("-pk"))


def load_staff_actions(order: Order) -> list[AuditEntry]:
    """Return the actions of staff on the order's deliveries, oldest first."""
    return list(AuditEntry.objects.filter(subject=order.pk, action__in=STAFF_ACTIONS).order_by("pk"))


def build_timeline(order: Order) -> list[TimelineEntry]:
    return merge_entries(order.events.all(), load_deliveries(order), load_staff_actions(order))
