"""Clock of leases and schedules: the database server's where there is one, so that all hosts agree."""

import time
from datetime import UTC, datetime

from django.db import DatabaseError, InterfaceError, connection

RESYNC_SECONDS = 30
# Steps of this host's clock do not move it, and where the system can, it counts the time that the host sleeps.
STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_offset = 0.0
_synced_at: float | None = None


def read_steady_clock() -> float:
    return time.clock_gettime(STEADY_CLOCK)


def _server_offset() -> float:
    """Return the seconds by which the database server's clock is ahead of this host's steady clock."""
    before = read_steady_clock()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        server = float(cursor.fetchone()[0])
    return server - (before + read_steady_clock()) / 2


def now() -> datetime:
    """Return the current time. While the server is away, its last known offset counts.

    A thread without a database connection, like those that make HTTP calls, opens no connection to ask. SQLite has no
    server: there it is this host's clock.
    """
    global _offset, _synced_at
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    is_old = _synced_at is None or read_steady_clock() - _synced_at > RESYNC_SECONDS
    if is_old and (_synced_at is None or connection.connection is not None):
        try:
            _offset, _synced_at = _server_offset(), read_steady_clock()
        except (DatabaseError, InterfaceError):
            if _synced_at is None:
                raise
    return datetime.fromtimestamp(_offset + read_steady_clock(), UTC)
