"""Who migrates or fills a database does it alone: `make serve` and `seed_demo` may begin in the same second."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.1
ADVISORY_LOCK_ID = 7_240_031
"""Any number: PostgreSQL's advisory locks have no names."""


@contextmanager
def hold_migration_lock(connection: Any) -> Iterator[None]:
    """Wait for whoever is at this database's schema, then keep everybody else waiting."""
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
    """By asking again: one long wait would meet the statement's time limit. A connection that ends lets go."""
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
    """The folder itself is locked, not a file in it; it is let go with the process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
