"""The one clock of leases and schedules: the database's where there is a server (RELIABILITY.md, decision 21)."""

import time
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection

RESYNC_SECONDS = 30

_offset = 0.0
_synced_at: float | None = None


def _server_offset() -> float:
    """Seconds by which the database server's clock is ahead of ours."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        server = float(cursor.fetchone()[0])
    return server - (before + time.time()) / 2


def now() -> datetime:
    """While the server is away, its clock as we knew it: who waits for it must be able to count. A thread that makes
    calls has no connection to the server, and gets none for that."""
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
