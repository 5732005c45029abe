"""Clock of leases and schedules: the database server's where there is one, so that all hosts agree."""

import time
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

RESYNC_SECONDS = 30

_offset = 0.0
_synced_at: float | None = None


def _server_offset() -> float:
    """Return the seconds by which the database server's clock is ahead of this host's."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        server = float(cursor.fetchone()[0])
    return server - (before + time.time()) / 2


def now() -> datetime:
    """Return the current time. While the server is away, its last known offset counts.

    A thread without a database connection, like those that make HTTP calls, opens no connection to ask.
    """
    global _offset, _synced_at
    is_old = _synced_at is None or time.monotonic() - _synced_at > RESYNC_SECONDS
    may_ask = _synced_at is None or connection.connection is not None
    if is_old and may_ask and connection.vendor == "postgresql":
        try:
            _offset, _synced_at = _server_offset(), time.monotonic()
        except (DatabaseError, InterfaceError):
            if _synced_at is None:
                raise
    return datetime.now(UTC) + timedelta(seconds=_offset)
