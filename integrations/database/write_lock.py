"""SQLite has one writer, and whom it refuses sleeps for a fixed while: the threads of one process queue instead."""

import contextlib
from collections.abc import Iterator
from threading import Lock

from django.db import connection

process_lock = Lock()
LOCK_TIMEOUT_SECONDS = 1.0
"""Then the one in front waits for another process, and each may as well ask for himself."""


@contextlib.contextmanager
def hold_write_lock() -> Iterator[None]:
    """Around a short transaction that many threads make at a time; never within another one."""
    if connection.vendor != "sqlite":
        yield
        return
    is_mine = process_lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        if is_mine:
            process_lock.release()
