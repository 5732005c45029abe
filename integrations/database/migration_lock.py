"""Migration lock: one process at a time migrates or seeds a database (`make serve` and `seed_demo` may coincide)."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.1
ADVISORY_LOCK_ID = 7_240_031  # arbitrary


@contextmanager
def hold_migration_lock(connection: Any) -> Iterator[None]:
    """Wait until no other process holds this database's migration lock, then hold it."""
    if connection.vendor == "postgresql":
        with _hold_advisory_lock(connection):
            yield
    elif connection.is_in_memory_db():
        yield
    else:
        with _hold_folder_lock(Path(connection.settings_dict["NAME"]).parent):
            yield


@contextmanager
def _hold_advisory_lock(connection: Any) -> Iterator[None]:
    # Polls, since a blocking wait would exceed the statement timeout. PostgreSQL releases the lock with the connection.
    while not _call_lock_function(connection, "pg_try_advisory_lock"):
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _call_lock_function(connection, "pg_advisory_unlock")


def _call_lock_function(connection: Any, function: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [ADVISORY_LOCK_ID])
        return bool(cursor.fetchone()[0])


@contextmanager
def _hold_folder_lock(folder: Path) -> Iterator[None]:
    # A lock on the folder needs no file, and the kernel releases it with the process.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
