"""Rate limiter for failed token requests, per client and IP address (threat T7 in tests/reliability/README.md).

An IP address is `get_client_network`'s: of IPv6, its /64.
Per pair, so that an attacker can lock out neither the client, which calls from another IP address, nor other clients at
an IP address that all of SmartRecruiters' customers share. Unknown clients are counted like known ones.
"""

import hashlib
import math
import time

from django.core.cache import cache
from django.db import transaction

from integrations.database.advisory_lock import lock_until_commit

MAX_FAILURES = 30
WINDOW_SECONDS = 60


def _compute_digest(client_id: str, ip: str) -> str:
    return hashlib.sha256(f"{client_id}\0{ip}".encode()).hexdigest()


def _read_counter(digest: str) -> tuple[int, float]:
    """Return (failures, end of their window as a Unix time)."""
    count, ends = cache.get(f"token-failed:{digest}", (0, 0.0))
    return (count, ends) if ends > time.time() else (0, time.time() + WINDOW_SECONDS)


def get_retry_after(client_id: str, ip: str) -> int:
    """Return the seconds that this pair must wait, 0 if it may request a token now."""
    count, ends = _read_counter(_compute_digest(client_id, ip))
    return max(1, math.ceil(ends - time.time())) if count >= MAX_FAILURES else 0


@transaction.atomic
def record_failure(client_id: str, ip: str) -> None:
    """Increment the pair's counter, atomically."""
    digest = _compute_digest(client_id, ip)
    lock_until_commit(f"token-failed:{digest}")
    count, ends = _read_counter(digest)
    cache.set(f"token-failed:{digest}", (count + 1, ends), WINDOW_SECONDS + 1)


def is_first_failure(who: str, kind: str = "token") -> bool:
    """Return True for the first failure of an IP address, say, in the window: attacks do not flood the audit log."""
    return bool(cache.add(f"{kind}-refused:{_compute_digest('', who)}", True, WINDOW_SECONDS))
