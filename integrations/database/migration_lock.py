"""Migration lock: one process at a time migrates or seeds a database (`make serve` and `seed_demo` may coincide)."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.1
ANNOUNCE_SECONDS = 3.0
ADVISORY_LOCK_ID = 7_240_032  # arbitrary
WAITING_MESSAGE = "Waiting for another process, which migrates this database …"


@contextmanager
def hold_migration_lock(connection: Any, on_wait: Callable[[str], object] = lambda _message: None) -> Iterator[None]:
    """Wait until no other process holds this database's migration lock, then hold it.

    `on_wait` is called once with a message if that takes long.
    """
    if connection.vendor == "postgresql":
        with _hold_advisory_lock(connection, on_wait):
            yield
    elif connection.is_in_memory_db():
        yield
    else:
        with _hold_folder_lock(Path(connection.settings_dict["NAME"]).parent):
            yield


@contextmanager
def _hold_advisory_lock(connection: Any, on_wait: Callable[[str], object]) -> Iterator[None]:
    # Held by a transaction, since a pooler would give a session that holds a lock to other clients. The transaction has
    # a connection of its own: each migration is a transaction, too.
    own = connection.copy()
    own.set_autocommit(False)
    try:
        _wait_for_lock(own, on_wait)
        yield
    finally:
        own.close()  # PostgreSQL rolls back and releases the lock, also if this process is killed


def _wait_for_lock(own: Any, on_wait: Callable[[str], object]) -> None:
    # Polls, since a blocking wait would exceed the statement timeout. Between polls there is no transaction, for which
    # a pooler would have to keep a connection to the server.
    announce_at = time.monotonic() + ANNOUNCE_SECONDS
    while not _try_lock(own):
        own.rollback()
        if time.monotonic() >= announce_at:
            announce_at = float("inf")
            on_wait(WAITING_MESSAGE)
        time.sleep(POLL_SECONDS)


def _try_lock(own: Any) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK_ID])
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
