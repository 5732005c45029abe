"""Leases with fencing tokens: one holder per stream, an expiry, and a token that every write of the holder repeats."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from integrations.outbox import clock
from integrations.outbox.models import Stream

MARGIN_SECONDS = 5.0  # a call must end this long before its lease does


class LeaseLostError(Exception):
    """Another holder has the lease: stop writing."""


@dataclass
class Lease:
    """A held lease. `fence` is its fencing token."""

    stream_id: int
    fence: int
    seconds: float
    expires_at: datetime

    @property
    def remaining_seconds(self) -> float:
        return (self.expires_at - clock.now()).total_seconds()

    def clamp_seconds(self, seconds: float) -> float:
        """Return the seconds that one call may take: scaled like the schedule, and less than the rest of the lease."""
        scale: float = settings.OUTBOX_TIME_SCALE
        return min(seconds * scale, self.remaining_seconds - MARGIN_SECONDS * scale)

    def renew(self) -> None:
        """Extend the lease to its full length. Raises LeaseLostError."""
        expires_at = clock.now() + timedelta(seconds=self.seconds)
        self.update_stream(lease_expires_at=expires_at)
        self.expires_at = expires_at

    def update_stream(self, **changes: object) -> None:
        """Update the stream's row under the fencing token. Raises LeaseLostError."""
        if not Stream.objects.filter(pk=self.stream_id, fence=self.fence).update(**changes):
            raise LeaseLostError

    def release(self, **changes: object) -> None:
        """End the lease, and clear `woken_at`: a courier that was woken meanwhile found the stream taken."""
        Stream.objects.filter(pk=self.stream_id, fence=self.fence).update(
            lease_expires_at=None, woken_at=None, **changes
        )


def unleased_filter(now: datetime) -> Q:
    """Return a filter for streams without a lease or with an expired one."""
    return Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)


@transaction.atomic
def acquire(stream_id: int, seconds: float) -> Lease | None:
    """Acquire the lease of a stream, or return None if another holder has it. `seconds` are scaled like the schedule.

    One transaction: a process that stalls between the two queries must not read its successor's fencing token.
    """
    seconds *= settings.OUTBOX_TIME_SCALE
    now = clock.now()
    expiry = now + timedelta(seconds=seconds)
    acquired = Stream.objects.filter(unleased_filter(now), pk=stream_id).update(
        fence=F("fence") + 1, lease_expires_at=expiry, woken_at=None
    )
    if not acquired:
        return None
    fence = Stream.objects.values_list("fence", flat=True).get(pk=stream_id)
    return Lease(stream_id, fence, seconds, expiry)


def run_exclusively(name: str, seconds: float, work: Callable[[Lease], int]) -> int:
    """Run `work` under the lease of the named stream. Return 0 if another holder has it, or took it over."""
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
