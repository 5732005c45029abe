"""Progress of a replay of many deliveries. Their ids are kept in the cache for a day."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils.crypto import get_random_string

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState

S = DeliveryState
CACHE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class ReplayProgress:
    """Counts of the replayed deliveries. `retrying` failed again and wait; `failed` includes unknown ones."""

    total: int
    delivered: int
    in_progress: int
    retrying: int
    next_retry_at: datetime | None
    held: int
    failed: int
    superseded: int

    @property
    def is_done(self) -> bool:
        return not self.in_progress


def track_replay(ids: list[int]) -> str:
    """Remember the deliveries, and return a key for `get_progress`."""
    key = get_random_string(20)
    cache.set(f"replay:{key}", ids, CACHE_SECONDS)
    return key


def get_progress(key: str) -> ReplayProgress | None:
    ids = cache.get(f"replay:{key}")
    if ids is None:
        return None
    again = Q(state=S.PENDING, failures__gt=0, due_at__gt=clock.now())
    counts = {
        "delivered": Count("pk", filter=Q(state=S.DELIVERED)),
        "in_progress": Count("pk", filter=Q(state=S.IN_FLIGHT) | (Q(state=S.PENDING) & ~again)),
        "retrying": Count("pk", filter=again),
        "next_retry_at": Min("due_at", filter=again),
        "held": Count("pk", filter=Q(state=S.HELD)),
        "failed": Count("pk", filter=Q(state__in=[S.FAILED, S.UNKNOWN])),
        "superseded": Count("pk", filter=Q(state=S.SUPERSEDED)),
    }
    return ReplayProgress(total=len(ids), **Delivery.objects.filter(pk__in=ids).aggregate(**counts))
