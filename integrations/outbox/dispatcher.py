"""Finds the streams with something to do and wakes a courier for each. The one place that publishes to the broker."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.outbox import clock, deliveries, leases
from integrations.outbox.models import Delivery, DeliveryState, Stream

log = structlog.get_logger(__name__)
WAKE_AGAIN_AFTER = timedelta(seconds=15)
"""A wake-up that nobody followed was lost with the broker: within 30 s of its return all runs again."""


def ready_streams() -> QuerySet[Stream]:
    """Streams that nobody holds and that have a delivery due, or one that a dead holder left in flight."""
    now = clock.now()
    mine = Delivery.objects.filter(stream=OuterRef("pk"))
    has_due = Exists(mine.filter(state=DeliveryState.PENDING, due_at__lte=now))
    has_orphan = Exists(mine.filter(state=DeliveryState.IN_FLIGHT))
    return Stream.objects.filter(
        Q(has_due, held_reason="") & (Q(paused_until=None) | Q(paused_until__lte=now)) | has_orphan,
        leases.unleased_filter(now),
    )


def due_streams() -> QuerySet[Stream]:
    """Those of them that no courier has been woken for, or whose wake-up was lost."""
    lost_before = clock.now() - WAKE_AGAIN_AFTER * settings.OUTBOX_TIME_SCALE
    return ready_streams().filter(Q(woken_at=None) | Q(woken_at__lte=lost_before))


def wake_couriers(wake: Callable[[int], object]) -> int:
    """Wake a courier for every stream that is due, once each. Returns how many were woken."""
    deliveries.release_stragglers()
    woken = 0
    for stream in due_streams().only("pk", "woken_at"):
        claimed = Stream.objects.filter(pk=stream.pk, woken_at=stream.woken_at).update(woken_at=clock.now())
        if not claimed:
            continue
        try:
            wake(stream.pk)
        except Exception:  # the broker's client raises what it likes; the next second tries again
            Stream.objects.filter(pk=stream.pk).update(woken_at=None)
            log.warning("broker does not take a wake-up", stream=stream.pk)
            return woken
        woken += 1
    return woken
