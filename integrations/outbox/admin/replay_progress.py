"""How far a replay of many is. Which ones they were is remembered for a day, in the database's cache table."""

from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils.crypto import get_random_string

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState

S = DeliveryState
REMEMBERED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Progress:
    """Of those that were sent again together: how many stand where."""

    all: int
    arrived: int
    on_their_way: int
    """Waiting for their turn, or being sent."""
    later: int
    """They failed again, and are tried again by themselves."""
    next_at: datetime | None
    held: int
    failed: int
    """Or nobody knows whether they had their effect."""
    dropped: int
    """A newer one says more, or they are not wanted any more."""

    @property
    def is_done(self) -> bool:
        return not self.on_their_way


def begin(ids: list[int]) -> str:
    """Remember these; the key leads to their progress."""
    key = get_random_string(20)
    cache.set(f"replay:{key}", ids, REMEMBERED_SECONDS)
    return key


def of(key: str) -> Progress | None:
    ids = cache.get(f"replay:{key}")
    if ids is None:
        return None
    again = Q(state=S.PENDING, failures__gt=0, due_at__gt=clock.now())
    counts = {
        "arrived": Count("pk", filter=Q(state=S.DELIVERED)),
        "on_their_way": Count("pk", filter=Q(state=S.IN_FLIGHT) | (Q(state=S.PENDING) & ~again)),
        "later": Count("pk", filter=again),
        "next_at": Min("due_at", filter=again),
        "held": Count("pk", filter=Q(state=S.HELD)),
        "failed": Count("pk", filter=Q(state__in=[S.FAILED, S.UNKNOWN])),
        "dropped": Count("pk", filter=Q(state=S.SUPERSEDED)),
    }
    return Progress(all=len(ids), **Delivery.objects.filter(pk__in=ids).aggregate(**counts))
