"""Dispatcher: finds the streams with due work and wakes a courier for each. Only it publishes to the broker."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.outbox import clock, deliveries, leases
from integrations.outbox.models import Delivery, DeliveryState, Stream

log = structlog.get_logger(__name__)
# A wake-up that no courier followed was lost with the broker. Within 30 s of its return all streams run again.
WAKE_AGAIN_AFTER = timedelta(seconds=15)


def ready_streams() -> QuerySet[Stream]:
    """Return the streams without a live lease that have a due delivery, or one that a dead courier left in flight."""
    now = clock.now()
    mine = Delivery.objects.filter(stream=OuterRef("pk"))
    has_due = Exists(mine.filter(state=DeliveryState.PENDING, due_at__lte=now))
    has_orphan = Exists(mine.filter(state=DeliveryState.IN_FLIGHT))
    return Stream.objects.filter(
        Q(has_due, held_reason="") & (Q(paused_until=None) | Q(paused_until__lte=now)) | has_orphan,
        leases.unleased_filter(now),
    )


def due_streams() -> QuerySet[Stream]:
    """Return the ready streams that were never woken, or were woken more than WAKE_AGAIN_AFTER ago."""
    lost_before = clock.now() - WAKE_AGAIN_AFTER * settings.OUTBOX_TIME_SCALE
    return ready_streams().filter(Q(woken_at=None) | Q(woken_at__lte=lost_before))


def wake_couriers(wake: Callable[[int], object]) -> int:
    """Wake a courier for each due stream, and return how many were woken."""
    deliveries.release_stragglers()
    woken = 0
    for stream in due_streams().only("pk", "woken_at"):
        claimed = Stream.objects.filter(pk=stream.pk, woken_at=stream.woken_at).update(woken_at=clock.now())
        if not claimed:
            continue
        try:
            wake(stream.pk)
        except Exception:  # the broker's client raises anything; retried in the next second
            Stream.objects.filter(pk=stream.pk).update(woken_at=None)
            log.warning("broker refused a wake-up", stream=stream.pk)
            return woken
        woken += 1
    return woken
