"""Operations on deliveries and streams: enqueue, cancel, hold, release, replay dead letters. The courier sends them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from integrations import metrics
from integrations.outbox import clock
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Delivery, DeliveryState, Priority, Stream
from integrations.outbox.transitions import UNSENT_STATES, transition

S = DeliveryState
SUPERSEDED_REASON = "a newer one says more"
HELD_BY_STAFF = "Put on hold by staff."
# The counters and the pause of a stream after a success.
RESET_COUNTERS: dict[str, Any] = {
    "paused_until": None,
    "paused_since": None,
    "pause_reason": "",
    "pause_seconds": 0,
    "paused_by_key": "",
    "unauthorized_keys": [],
    "forbidden_in_a_row": 0,
    "failures_in_a_row": 0,
}


class NotReplayableError(Exception):
    """Only failed and unknown deliveries can be replayed."""


@dataclass(frozen=True)
class Draft:
    """A delivery to create: its handler's kind, the name of its stream, and its sequence key."""

    kind: str
    stream: str
    key: str
    payload: dict[str, Any] = field(default_factory=dict)
    priority: Priority = Priority.ACT
    subject: str = ""


def enqueue(kind: str, *, stream: str, key: str, **fields: Any) -> Delivery:
    """Create a delivery; `fields` are those of Draft. Call it in the transaction of its cause."""
    return enqueue_all([Draft(kind, stream, key, **fields)])[0]


def enqueue_all(drafts: Sequence[Draft]) -> list[Delivery]:
    """Create deliveries with one statement. Call it in the transaction of their cause."""
    return insert_all(build_all(drafts))


def build_all(drafts: Sequence[Draft]) -> list[Delivery]:
    """Build deliveries to insert in the transaction of their cause, which this may precede.

    One that becomes pending in a stream that was put on hold meanwhile waits all the same: no courier sends it.
    """
    streams, now = _get_streams({draft.stream for draft in drafts}), clock.now()
    return [_build_delivery(draft, *streams[draft.stream], now) for draft in drafts]


def insert_all(built: Sequence[Delivery]) -> list[Delivery]:
    """Insert built deliveries with one statement, and count them once they are committed."""
    for kind, amount in Counter(delivery.kind for delivery in built).items():
        metrics.count_on_commit(metrics.DELIVERIES_CREATED, amount, kind=kind)
    return Delivery.objects.bulk_create(built)


def _get_streams(names: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return the streams' ids and why they are on hold, by name. Create those that do not exist."""
    rows = Stream.objects.filter(name__in=names).values_list("name", "pk", "held_reason")
    streams = {name: (pk, held_reason) for name, pk, held_reason in rows}
    for name in names:
        if name not in streams:
            stream, _ = Stream.objects.get_or_create(name=name)
            streams[name] = (stream.pk, stream.held_reason)
    return streams


def _build_delivery(draft: Draft, stream_id: int, held_reason: str, now: datetime) -> Delivery:
    return Delivery(
        kind=draft.kind,
        stream_id=stream_id,
        key=draft.key,
        priority=draft.priority,
        subject=draft.subject,
        payload=draft.payload,
        state=S.HELD if held_reason else S.PENDING,
        reason=held_reason,
        due_at=now,
        started_at=now,
    )


@transaction.atomic
def hold_stream(stream: str, reason: str) -> None:
    """Put a stream and its pending deliveries on hold. A call that is running may end."""
    row, _ = Stream.objects.get_or_create(name=stream)
    Stream.objects.filter(pk=row.pk).update(held_reason=reason)
    transition(row.deliveries.all(), S.PENDING, to=S.HELD, reason=reason)


@transaction.atomic
def release_stream(stream: str) -> int:
    """Release a stream, make its held deliveries due, and return how many there were."""
    row, _ = Stream.objects.get_or_create(name=stream)
    Stream.objects.filter(pk=row.pk).update(held_reason="", **RESET_COUNTERS)
    return _restart(row.deliveries.all(), S.HELD)


def release_stragglers() -> int:
    """Release deliveries that were put on hold by a transaction that overlapped with the release of their stream."""
    held = Delivery.objects.filter(state=S.HELD)
    free = Stream.objects.filter(Exists(held.filter(stream=OuterRef("pk"))), held_reason="")
    return sum(_restart(held.filter(stream=stream, stream__held_reason=""), S.HELD) for stream in free)


def replay(delivery: Delivery) -> None:
    """Make a failed or unknown delivery due again, with a fresh retry schedule, or held with its stream.

    An older state is not replayed: it would undo the other side's newer state. Raises NotReplayableError.
    """
    row = Delivery.objects.filter(pk=delivery.pk)
    if get_handler(delivery).is_superseding and newer_than(delivery).exists():
        transition(row, S.FAILED, to=S.SUPERSEDED, reason=SUPERSEDED_REASON)
        raise NotReplayableError(f"This delivery is not sent: {SUPERSEDED_REASON}.")
    with transaction.atomic():
        if not _restart(row, S.FAILED, S.UNKNOWN):
            raise NotReplayableError("This delivery is not sent: it is neither failed nor unknown any more.")
        if reason := Stream.objects.values_list("held_reason", flat=True).get(pk=delivery.stream_id):
            transition(row, S.PENDING, to=S.HELD, reason=reason)


def retry_now(delivery: Delivery) -> bool:
    """Make a delivery due that waits after a failure, and return whether it was waiting.

    The rate limit and a pause of its stream still apply.
    """
    waits = Delivery.objects.filter(pk=delivery.pk, state=S.PENDING, failures__gt=0)
    return waits.update(due_at=clock.now()) == 1


@transaction.atomic
def mark_delivered(delivery: Delivery) -> bool:
    """Mark an unknown delivery as delivered on a person's word. Return False if it is not unknown."""
    if not resolve_unknown(delivery, was_processed=True, reason="marked as delivered by a person"):
        return False
    get_handler(delivery).on_marked_delivered(delivery)
    return True


def dismiss(delivery: Delivery, reason: str) -> bool:
    """Close a failed or unknown delivery that can never be sent. Return False if it is neither."""
    row = Delivery.objects.filter(pk=delivery.pk)
    return transition(row, S.FAILED, S.UNKNOWN, to=S.SUPERSEDED, reason=f"dismissed by a person: {reason}"[:500]) == 1


def resolve_unknown(delivery: Delivery, *, was_processed: bool, reason: str) -> bool:
    """Mark an unknown delivery as delivered or failed. Return False if it is not unknown."""
    row = Delivery.objects.filter(pk=delivery.pk)
    return transition(row, S.UNKNOWN, to=S.DELIVERED if was_processed else S.FAILED, reason=reason) == 1


def newer_than(delivery: Delivery) -> QuerySet[Delivery]:
    """Return the later deliveries of the same key that are not superseded."""
    return Delivery.objects.filter(key=delivery.key, pk__gt=delivery.pk).exclude(state=S.SUPERSEDED)


def requeue(delivery: Delivery, stream: Stream, **changes: Any) -> None:
    """Put an in-flight delivery back under its fencing token: pending, held with its stream, or superseded.

    For the holder of the stream's lease. `changes` are the columns of the pending or held delivery.
    """
    row = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence)
    if get_handler(delivery).is_superseding and newer_than(delivery).filter(state__in=(S.PENDING, S.HELD)).exists():
        transition(row, S.IN_FLIGHT, to=S.SUPERSEDED, reason=SUPERSEDED_REASON)
    elif stream.held_reason:
        transition(row, S.IN_FLIGHT, to=S.HELD, **changes | {"reason": stream.held_reason})
    else:
        transition(row, S.IN_FLIGHT, to=S.PENDING, **changes)


def cancel_by_key(keys: Iterable[str], reason: str) -> int:
    return cancel_unsent(Delivery.objects.filter(key__in=list(keys)), reason)


def cancel_stream(stream: str, reason: str) -> int:
    return cancel_unsent(Delivery.objects.filter(stream__name=stream), reason)


def cancel_unsent(deliveries: QuerySet[Delivery], reason: str) -> int:
    """Mark those of the deliveries that are not sent yet as superseded."""
    return transition(deliveries, *UNSENT_STATES, to=S.SUPERSEDED, reason=reason)


def _restart(deliveries: QuerySet[Delivery], *sources: DeliveryState) -> int:
    now = clock.now()
    fresh = {"reason": "", "due_at": now, "started_at": now, "failures": 0, "has_new_token": False}
    return transition(deliveries, *sources, to=S.PENDING, **fresh)
