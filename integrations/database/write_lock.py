"""SQLite has one writer, and whom it refuses sleeps for a fixed while: the threads of one process queue instead."""

import contextlib
from collections.abc import Iterator
from threading import Lock

from django.db import connection

lock = Lock()
PATIENCE_SECONDS = 1.0
"""Then the one in front waits for another process, and each may as well ask for himself."""


@contextlib.contextmanager
def in_turn() -> Iterator[None]:
    """Around a short transaction that many threads make at a time; never within another one."""
    if connection.vendor != "sqlite":
        yield
        return
    is_mine = lock.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if is_mine:
            lock.release()
