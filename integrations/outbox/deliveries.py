"""What is done to deliveries: enqueue, hold, release, replay. The courier alone sends them."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from integrations.outbox import clock
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Delivery, DeliveryState, Priority, Stream

SUPERSEDED_REASON = "a newer one says more"
RESET_COUNTERS: dict[str, Any] = {
    "paused_until": None,
    "pause_seconds": 0,
    "paused_by_key": "",
    "unauthorized_keys": [],
    "forbidden_in_a_row": 0,
    "failures_in_a_row": 0,
}
"""What is counted against a credential, when nothing is."""


class NotReplayableError(Exception):
    """Only what is failed, unknown or held can be sent again."""


def enqueue(
    kind: str,
    *,
    stream: str,
    key: str,
    payload: dict[str, Any],
    priority: Priority = Priority.ACT,
    subject: str = "",
    supersede: bool = False,
) -> Delivery:
    """Decide that something must happen outside. Call it in the transaction of what it follows from.

    `supersede`: unsent older ones of the same key are superseded, for payloads that are always complete.
    """
    row, _ = Stream.objects.get_or_create(name=stream)
    if supersede:
        cancel_by_key([key], SUPERSEDED_REASON)
    now = clock.now()
    return Delivery.objects.create(
        kind=kind,
        stream=row,
        key=key,
        priority=priority,
        subject=subject,
        payload=payload,
        state=DeliveryState.HELD if row.held_reason else DeliveryState.PENDING,
        reason=row.held_reason,
        due_at=now,
        started_at=now,
    )


@transaction.atomic
def hold_stream(stream: str, reason: str) -> None:
    """Nothing of this stream is sent from now on; what waits is `held` and kept."""
    row, _ = Stream.objects.get_or_create(name=stream)
    Stream.objects.filter(pk=row.pk).update(held_reason=reason)
    row.deliveries.filter(state=DeliveryState.PENDING).update(state=DeliveryState.HELD, reason=reason)


@transaction.atomic
def release_stream(stream: str) -> int:
    """The stream is good again: what was held is due now. Returns how many were held."""
    row, _ = Stream.objects.get_or_create(name=stream)
    Stream.objects.filter(pk=row.pk).update(held_reason="", **RESET_COUNTERS)
    return _requeue_deliveries(row.deliveries.filter(state=DeliveryState.HELD))


def release_stragglers() -> int:
    """What was decided, or put back, while its stream was being released did not see that, nor was it seen."""
    held = Delivery.objects.filter(state=DeliveryState.HELD)
    free = Stream.objects.filter(Exists(held.filter(stream=OuterRef("pk"))), held_reason="")
    return sum(_requeue_deliveries(held.filter(stream=stream, stream__held_reason="")) for stream in free)


def replay(delivery: Delivery) -> None:
    """A new attempt of the same delivery, at once. Raises NotReplayable for what is done, waiting or on its way, and
    for a state that a newer one has replaced: it would turn back what the other side shows."""
    if get_handler(delivery).is_superseding and newer_than(delivery).exists():
        Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.FAILED).update(
            state=DeliveryState.SUPERSEDED, reason=SUPERSEDED_REASON, finished_at=clock.now()
        )
        raise NotReplayableError(f"This delivery is not sent: {SUPERSEDED_REASON}.")
    if not _requeue_deliveries(
        Delivery.objects.filter(pk=delivery.pk, state__in=[DeliveryState.FAILED, DeliveryState.UNKNOWN])
    ):
        delivery.refresh_from_db(fields=["state"])
        raise NotReplayableError(
            f"This delivery is {delivery.get_state_display()}: only failed and unknown ones go again."
        )


def retry_now(delivery: Delivery) -> bool:
    """What waits after a failure is due now; pace and pause of its stream count all the same. False when it does not
    wait any more."""
    waits = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING, failures__gt=0)
    return waits.update(due_at=clock.now()) == 1


@transaction.atomic
def mark_delivered(delivery: Delivery) -> bool:
    """A person has seen at the other side that an unknown one had its effect. False when it is not unknown."""
    if not resolve_unknown(delivery, was_processed=True, reason="settled by a person"):
        return False
    get_handler(delivery).on_marked_delivered(delivery)
    return True


def resolve_unknown(delivery: Delivery, *, was_processed: bool, reason: str) -> bool:
    """It is known by now what became of an unknown one. False when it is not unknown."""
    unknown = Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.UNKNOWN)
    state = DeliveryState.DELIVERED if was_processed else DeliveryState.FAILED
    return unknown.update(state=state, reason=reason, finished_at=clock.now()) == 1


def newer_than(delivery: Delivery) -> QuerySet[Delivery]:
    """Of the same key, decided later, and not replaced themselves."""
    later = Delivery.objects.filter(key=delivery.key, pk__gt=delivery.pk)
    return later.exclude(state=DeliveryState.SUPERSEDED)


def _requeue_deliveries(deliveries: QuerySet[Delivery]) -> int:
    now = clock.now()
    return deliveries.update(
        state=DeliveryState.PENDING,
        reason="",
        due_at=now,
        started_at=now,
        failures=0,
        has_new_token=False,
        finished_at=None,
    )


def cancel_by_key(keys: Iterable[str], reason: str) -> int:
    """Unsent deliveries of these sequence keys are not wanted any more."""
    return _cancel_unsent(Delivery.objects.filter(key__in=list(keys)), reason)


def cancel_stream(stream: str, reason: str) -> int:
    """Nothing of this stream is wanted any more."""
    return _cancel_unsent(Delivery.objects.filter(stream__name=stream), reason)


def _cancel_unsent(deliveries: QuerySet[Delivery], reason: str) -> int:
    """Of these, what is not sent yet."""
    unsent = deliveries.filter(state__in=[DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.FAILED])
    return unsent.update(state=DeliveryState.SUPERSEDED, reason=reason, finished_at=clock.now())
