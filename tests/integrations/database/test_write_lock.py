"""Threads that write at a time: in turn on SQLite, and not for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from integrations.database import write_lock
from integrations.database.write_lock import in_turn


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "lock", threading.Lock())
    monkeypatch.setattr(write_lock, "PATIENCE_SECONDS", 0.05)


def test_writers_of_sqlite_are_one_at_a_time(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "PATIENCE_SECONDS", 30)
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="sqlite"))
    inside, most = [], []

    def write(number: int) -> None:
        with in_turn():
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(400)))
    assert (len(most), max(most)) == (400, 1)


def test_writer_that_is_stuck_stops_nobody(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="sqlite"))
    began = time.monotonic()
    with in_turn(), in_turn():
        assert time.monotonic() - began >= write_lock.PATIENCE_SECONDS
    assert not write_lock.lock.locked()


def test_writers_of_postgresql_do_not_queue(monkeypatch: pytest.MonkeyPatch, queue: None) -> None:
    monkeypatch.setattr(write_lock, "connection", SimpleNamespace(vendor="postgresql"))
    with in_turn():
        assert not write_lock.lock.locked()
