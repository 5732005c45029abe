"""Write lock: serialises SQLite writes within a process.

SQLite's busy handler sleeps for a fixed time; a lock wakes the next thread at once.
"""

import contextlib
from collections.abc import Iterator
from threading import Lock

from django.db import connection

process_lock = Lock()
# After this long the holder is waiting for another process, and waiting for the holder gains nothing.
LOCK_TIMEOUT_SECONDS = 1.0


@contextlib.contextmanager
def hold_write_lock() -> Iterator[None]:
    """Hold the lock around a short transaction. Never enter it within a transaction (deadlock)."""
    if connection.vendor != "sqlite":
        yield
        return
    is_acquired = process_lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        if is_acquired:
            process_lock.release()
