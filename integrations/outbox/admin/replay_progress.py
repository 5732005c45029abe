"""How far a replay of many is. Which ones they were is remembered for a day, in the database's cache table."""

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
    """Of those that were sent again together: how many stand where."""

    total: int
    delivered: int
    in_progress: int
    """Waiting for their turn, or being sent."""
    retrying: int
    """They failed again, and are tried again by themselves."""
    next_retry_at: datetime | None
    held: int
    failed: int
    """Or nobody knows whether they had their effect."""
    superseded: int
    """A newer one says more, or they are not wanted any more."""

    @property
    def is_done(self) -> bool:
        return not self.in_progress


def track_replay(ids: list[int]) -> str:
    """Remember these; the key leads to their progress."""
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
