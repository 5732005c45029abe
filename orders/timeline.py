"""One order's way over all four hops: what was recorded of it, and every call that was made for it.

Pure: rows in, lines out, newest first. Admin's order page and the engine's `GET /orders/{id}/timeline` show the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypedDict

from integrations import mail
from integrations.models import AuditEntry
from integrations.outbox import failure_messages
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders.models import Hop, Order, OrderEvent

S = DeliveryState


class TimelineEntry(TypedDict):
    """When, between whom, what in words, by whom (empty: nobody in particular), and what the curious may want."""

    at: datetime
    hop: str
    what: str
    by: str
    detail: dict[str, Any]


# The kind of a stream says who stands at its other end.
HOP_BY_STREAM_KIND = {"connection": Hop.OUT, "master": Hop.OUT, "webhook": Hop.ENGINE, "email": Hop.CANDIDATE}

# What a delivery carries, and what is true once it has arrived.
PHRASES_BY_KIND = {
    "result": ("the result", "Result delivered to SmartRecruiters"),
    "upload": ("the report", "Report uploaded to SmartRecruiters"),
    "candidate": ("the request for the candidate", "Candidate read from SmartRecruiters"),
    "job": ("the request for the job", "Job read from SmartRecruiters"),
    "hiring_team": ("the request for the hiring team", "Hiring team read from SmartRecruiters"),
    "invitation": ("the invitation", "Invitation handed to the mail server"),
    "reminder": ("the reminder", "Reminder handed to the mail server"),
    "webhook": ("the notice", "Engine notified"),
}
EMAIL_KINDS = ("invitation", "reminder", "reconnect", "reconnect_staff")

# What staff did to a delivery, as the audit has it.
STAFF_ACTIONS = {
    "delivery.replayed": "{cargo} is sent again by hand",
    "delivery.hurried": "{cargo} is tried at once, by hand",
    "delivery.settled": "{cargo} was seen at the other side, and counts as delivered",
}

SUPERSEDED_REASON = "a newer one says more"  # and its own line says what became of it


def failure_text(kind: str, reason: str) -> str:
    """The reason of a delivery of this kind, in words."""
    stream = "email" if kind in EMAIL_KINDS else "webhook" if kind == "webhook" else "connection"
    return failure_messages.translate_reason(reason, failure_messages.PEER_NAMES[stream], _kind_phrases(kind)[0])


def kind_label(kind: str) -> str:
    """What such a delivery carries, as the beginning of a sentence."""
    return kind.replace("_", " ").capitalize()


def delivery_phrases(delivery: Delivery) -> tuple[str, str]:
    return _kind_phrases(delivery.kind)


def _kind_phrases(kind: str) -> tuple[str, str]:
    words = kind.replace("_", " ")
    return PHRASES_BY_KIND.get(kind, (f"“{words}”", f"{words.capitalize()} delivered"))


def attempt_failure_text(attempt: Attempt, other_side: str, phrase: str) -> str:
    """Why an attempt did not succeed: a sentence without its full stop."""
    if attempt.outcome == "bug":
        return f"The portal itself failed with {phrase}: {attempt.error}"
    if attempt.outcome == "lost":
        return f"The courier died while {phrase} was on its way"
    if attempt.outcome == "no access":
        return f"{other_side} gives no access: {phrase} came to nothing"
    if attempt.status is None:
        return f"{other_side} did not answer: {attempt.error or 'the call was interrupted'}"
    if attempt.status < 400:
        return (
            f"{other_side} answered {attempt.status}, which is no answer: {attempt.error or 'not what belongs there'}"
        )
    return failure_messages.describe_status(attempt.status, other_side, phrase)


def _outcome_suffix(delivery: Delivery) -> str:
    """What follows from the last attempt."""
    return {
        S.FAILED: ". It is not tried again by itself",
        S.UNKNOWN: ". Whether it had its effect is not known",
        S.HELD: f". It is held: {delivery.reason.rstrip('.') or 'its way is closed'}",
        S.SUPERSEDED: f". It is not sent again: {delivery.reason.rstrip('.') or SUPERSEDED_REASON}",
    }.get(S(delivery.state), "")


def _attempt_text(attempt: Attempt, delivery: Delivery, other_side: str, *, is_last: bool) -> str:
    cargo, arrived = delivery_phrases(delivery)
    if attempt.outcome == S.DELIVERED:
        return f"{cargo.capitalize()} was {delivery.reason}" if delivery.reason == mail.NOT_SENT_NOTE else arrived
    if not attempt.outcome and is_last and delivery.state == S.IN_FLIGHT:
        return f"{cargo.capitalize()} is on its way"
    return attempt_failure_text(attempt, other_side, cargo) + (_outcome_suffix(delivery) if is_last else "")


def _build_attempt_entry(attempt: Attempt, delivery: Delivery, *, is_last: bool) -> TimelineEntry:
    kind = delivery.stream.kind
    hop, other_side = HOP_BY_STREAM_KIND.get(kind, Hop.OUT), failure_messages.PEER_NAMES.get(kind, "The other side")
    waits = is_last and delivery.state == S.PENDING
    detail = {
        "delivery": delivery.pk,
        "kind": delivery.kind,
        "try": attempt.number,
        "status": attempt.status,
        "duration_ms": attempt.duration_ms,
        "error": attempt.error or None,
        "outcome": attempt.outcome or None,
        "next_try_at": delivery.due_at.isoformat() if waits else None,
    }
    return TimelineEntry(
        at=attempt.started_at,
        hop=hop,
        what=_attempt_text(attempt, delivery, other_side, is_last=is_last),
        by="",
        detail=detail,
    )


def _build_untried_entry(delivery: Delivery) -> TimelineEntry | None:
    """A delivery without any attempt, where that says something."""
    hop = HOP_BY_STREAM_KIND.get(delivery.stream.kind, Hop.OUT)
    cargo, _ = delivery_phrases(delivery)
    said = {
        S.PENDING: "waits for its turn",
        S.IN_FLIGHT: "is on its way",
        S.HELD: f"is held: {delivery.reason}",
        S.FAILED: f"cannot be sent: {delivery.reason}",
        S.UNKNOWN: "may have been sent or not",
        S.SUPERSEDED: "" if delivery.reason == SUPERSEDED_REASON else f"was not sent: {delivery.reason}",
    }.get(S(delivery.state))
    if not said:
        return None
    detail = {"delivery": delivery.pk, "kind": delivery.kind, "try": 0}
    at = delivery.finished_at or delivery.created_at
    return TimelineEntry(at=at, hop=hop, what=f"{cargo.capitalize()} {said}", by="", detail=detail)


def _build_delivery_entries(delivery: Delivery) -> list[TimelineEntry]:
    attempts = sorted(delivery.attempts.all(), key=lambda attempt: attempt.pk)
    if not attempts:
        line = _build_untried_entry(delivery)
        return [line] if line else []
    return [_build_attempt_entry(attempt, delivery, is_last=attempt is attempts[-1]) for attempt in attempts]


def _build_action_entry(entry: AuditEntry, deliveries: dict[int, Delivery]) -> TimelineEntry:
    """Who sent what again, or settled it."""
    delivery = deliveries.get(entry.detail.get("delivery", 0))
    cargo = delivery_phrases(delivery)[0] if delivery else "what was to be sent"
    hop = HOP_BY_STREAM_KIND.get(delivery.stream.kind, Hop.OUT) if delivery else Hop.OUT
    said = STAFF_ACTIONS[entry.action].format(cargo=cargo)
    detail = {"delivery": delivery.pk if delivery else None, "act": entry.action}
    return TimelineEntry(at=entry.at, hop=hop, what=said[0].upper() + said[1:], by=entry.actor_name, detail=detail)


def merge_entries(
    events: Iterable[OrderEvent], deliveries: Sequence[Delivery], actions: Iterable[AuditEntry] = ()
) -> list[TimelineEntry]:
    """The lines of these events, of these deliveries' attempts and of what staff did, newest first; of one instant,
    the last recorded."""
    lines = [TimelineEntry(at=e.at, hop=e.hop, what=e.what, by=e.by, detail=e.detail) for e in events]
    lines.reverse()  # events come newest first, as the model orders them; sorting below keeps the order of equals
    for delivery in deliveries:
        lines += _build_delivery_entries(delivery)
    by_id = {delivery.pk: delivery for delivery in deliveries}
    lines += [_build_action_entry(entry, by_id) for entry in actions]
    return sorted(lines, key=lambda line: line["at"])[::-1]


def load_deliveries(order: Order) -> list[Delivery]:
    """What is, was or will be sent for this order, newest first, with its attempts."""
    found = Delivery.objects.filter(subject=order.pk).select_related("stream").prefetch_related("attempts")
    return list(found.order_by("-pk"))


def load_staff_actions(order: Order) -> list[AuditEntry]:
    """What staff did to its deliveries, the oldest first."""
    return list(AuditEntry.objects.filter(subject=order.pk, action__in=STAFF_ACTIONS).order_by("pk"))


def build_timeline(order: Order) -> list[TimelineEntry]:
    return merge_entries(order.events.all(), load_deliveries(order), load_staff_actions(order))
