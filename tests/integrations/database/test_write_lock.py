"""Threads that write at the same time: one after the other on SQLite, with a timeout."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from integrations.database import write_lock
from integrations.database.write_lock import hold_write_lock


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "process_lock", threading.Lock())
    monkeypatch.setattr(write_lock, "LOCK_TIMEOUT_SECONDS", 0.05)


def test_writers_of_sqlite_are_one_at_a_time(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "LOCK_TIMEOUT_SECONDS", 30)
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="sqlite"))
    inside, most = [], []

    def write(number: int) -> None:
        with hold_write_lock():
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(400)))
    assert (len(most), max(most)) == (400, 1)


def test_writer_that_is_stuck_stops_nobody(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="sqlite"))
    began = time.monotonic()
    with hold_write_lock(), hold_write_lock():
        assert time.monotonic() - began >= write_lock.LOCK_TIMEOUT_SECONDS
    assert not write_lock.process_lock.locked()


def test_writers_of_postgresql_do_not_queue(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="postgresql"))
    with hold_write_lock():
        assert not write_lock.process_lock.locked()
