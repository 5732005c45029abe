"""Failed token calls are counted for the pair of client and address (RELIABILITY.md, T7).

Of the pair: nobody's failures keep the client itself away, which calls from elsewhere, nor the other clients at the
same address, which all of SmartRecruiters' customers share. Unknown clients are counted like known ones.
"""

import hashlib
import math
import time

from django.core.cache import cache
from django.db import connection, transaction

MAX_FAILURES = 30
WINDOW_SECONDS = 60


def _compute_digest(client_id: str, ip: str) -> str:
    return hashlib.sha256(f"{client_id}\0{ip}".encode()).hexdigest()


def _read_counter(digest: str) -> tuple[int, float]:
    """(failures, when the minute that they are counted for ends)."""
    count, ends = cache.get(f"token-failed:{digest}", (0, 0.0))
    return (count, ends) if ends > time.time() else (0, time.time() + WINDOW_SECONDS)


def get_retry_after(client_id: str, ip: str) -> int:
    """How many seconds this pair must wait before its next try; 0 when it may try now."""
    count, ends = _read_counter(_compute_digest(client_id, ip))
    return max(1, math.ceil(ends - time.time())) if count >= MAX_FAILURES else 0


@transaction.atomic
def record_failure(client_id: str, ip: str) -> None:
    """Count one more; two at once are two."""
    digest = _compute_digest(client_id, ip)
    if connection.vendor == "postgresql":  # SQLite's writers come one by one as it is
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(digest[:15], 16)])
    count, ends = _read_counter(digest)
    cache.set(f"token-failed:{digest}", (count + 1, ends), WINDOW_SECONDS + 1)


def is_first_failure(ip: str, kind: str = "token") -> bool:
    """Of this address in this minute: the audit hears of a guesser, and does not grow at his will."""
    return bool(cache.add(f"{kind}-refused:{_compute_digest('', ip)}", True, WINDOW_SECONDS))
