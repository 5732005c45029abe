"""Rate limiter for anonymous use: counts by IP address, account or the like, in windows of fixed length.

A refused request only reads. Counters are in the database's cache, so they hold across processes.
"""

import hashlib
import math
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.db import transaction

from integrations.database.advisory_lock import lock_until_commit


@dataclass(frozen=True)
class RateLimit:
    """At most `amount` in `seconds`, for each of those whom the methods' `who` names. `name` is unique."""

    name: str
    amount: int
    seconds: int

    def get_retry_after(self, *who: str) -> int:
        """Return the seconds to wait, 0 if the limit is not reached."""
        count, ends = self._read(build_key(self.name, *who))
        return max(1, math.ceil(ends - time.time())) if count >= self.amount else 0

    @transaction.atomic
    def count(self, *who: str) -> None:
        """Count one more, atomically."""
        key = build_key(self.name, *who)
        lock_until_commit(key)
        count, ends = self._read(key)
        cache.set(key, (count + 1, ends), self.seconds + 1)

    def _read(self, key: str) -> tuple[int, float]:
        """Return (count, end of its window as a Unix time)."""
        count, ends = cache.get(key, (0, 0.0))
        return (count, ends) if ends > time.time() else (0, time.time() + self.seconds)


def is_first(name: str, *who: str, seconds: int = 60) -> bool:
    """Return True for the first of its kind in a while, so that repeats do not flood the audit log."""
    return bool(cache.add(build_key(name, *who), True, seconds))


def build_key(name: str, *who: str) -> str:
    """Return the cache key of a counter. It is hashed: `who` may be an email address, and may be long."""
    return f"{name}:{hashlib.sha256(chr(0).join(who).encode()).hexdigest()}"
