"""The lease of a stream: one holder at a time, an expiry, and a fencing number that every later write repeats."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from integrations.outbox import clock
from integrations.outbox.models import Stream

MARGIN_SECONDS = 5.0
"""Seconds that a call must end before its lease does."""


class LeaseLostError(Exception):
    """Somebody else holds the stream by now: write nothing more."""


@dataclass
class Lease:
    stream_id: int
    fence: int
    seconds: float
    expires_at: datetime

    @property
    def remaining_seconds(self) -> float:
        return (self.expires_at - clock.now()).total_seconds()

    def clamp_seconds(self, seconds: float) -> float:
        """For one call in all: what it may take, scaled as the schedule is, and less than what is left of the lease."""
        scale: float = settings.OUTBOX_TIME_SCALE
        return min(seconds * scale, self.remaining_seconds - MARGIN_SECONDS * scale)

    def renew(self) -> None:
        """Raises LeaseLost."""
        self.update_stream(lease_expires_at=self._next_expiry())

    def update_stream(self, **changes: object) -> None:
        """Change the stream's row as its holder. Raises LeaseLost."""
        if not Stream.objects.filter(pk=self.stream_id, fence=self.fence).update(**changes):
            raise LeaseLostError
        if isinstance(expiry := changes.get("lease_expires_at"), datetime):
            self.expires_at = expiry

    def release(self, **changes: object) -> None:
        """Whoever was woken meanwhile found it taken: what is due now needs a wake-up of its own."""
        Stream.objects.filter(pk=self.stream_id, fence=self.fence).update(
            lease_expires_at=None, woken_at=None, **changes
        )

    def _next_expiry(self) -> datetime:
        return clock.now() + timedelta(seconds=self.seconds)


def unleased_filter(now: datetime) -> Q:
    """Nobody holds the stream, or one who is dead."""
    return Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)


@transaction.atomic
def acquire(stream_id: int, seconds: float) -> Lease | None:
    """The lease, if nobody holds the stream. `seconds` is scaled as the schedule is.

    One transaction: who is stopped between the two steps must not read his successor's number as his own.
    """
    seconds *= settings.OUTBOX_TIME_SCALE
    now = clock.now()
    expiry = now + timedelta(seconds=seconds)
    taken = Stream.objects.filter(unleased_filter(now), pk=stream_id).update(
        fence=F("fence") + 1, lease_expires_at=expiry, woken_at=None
    )
    if not taken:
        return None
    fence = Stream.objects.values_list("fence", flat=True).get(pk=stream_id)
    return Lease(stream_id, fence, seconds, expiry)


def run_exclusively(name: str, seconds: float, work: Callable[[Lease], int]) -> int:
    """Do `work` as the one holder of the stream of this name; 0 where another holds it, or took it over meanwhile."""
    stream, _ = Stream.objects.get_or_create(name=name)
    lease = acquire(stream.pk, seconds)
    if lease is None:
        return 0
    try:
        return work(lease)
    except LeaseLostError:
        return 0
    finally:
        lease.release()
