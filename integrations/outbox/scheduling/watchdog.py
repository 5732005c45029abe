"""Watchdog and heartbeats: ends a worker that has stopped consuming tasks (celery #10302), for a supervisor to restart.

Every worker has a heartbeat, and so does the whole path of a wake-up: scheduler, broker, dispatcher, database.
"""

import os
import threading
import time
from datetime import timedelta
from typing import Any

import structlog
from celery import current_app
from django.db import DatabaseError, InterfaceError, close_old_connections

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat
from integrations.outbox.scheduling.dispatcher import ready_streams

log = structlog.get_logger(__name__)
BEAT_INTERVAL_SECONDS = 5.0
STALLED_AFTER_SECONDS = 60.0
OVERDUE_AFTER = timedelta(seconds=45)
EXIT_STATUS = 75
SCHEDULER_KEY = "scheduler"  # the path's heartbeat; names of workers contain an @


class HeartbeatRecorder:
    """Record the path's heartbeat. Called every second; writes every BEAT_INTERVAL_SECONDS."""

    def __init__(self) -> None:
        self._wrote_at = float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._wrote_at >= BEAT_INTERVAL_SECONDS:
            Heartbeat.objects.update_or_create(worker=SCHEDULER_KEY, defaults={"at": clock.now()})
            self._wrote_at = time.monotonic()


class Watchdog(threading.Thread):
    def __init__(self, worker: str, *, is_dispatcher: bool) -> None:
        super().__init__(daemon=True, name="watchdog")
        self.worker, self.is_dispatcher = worker, is_dispatcher
        self.last_task_at = time.monotonic()

    def note_task_start(self, **_: Any) -> None:
        self.last_task_at = time.monotonic()

    def run(self) -> None:
        while True:
            time.sleep(BEAT_INTERVAL_SECONDS)
            try:
                self.check_worker()
            except (DatabaseError, InterfaceError):  # without a database, stalled and idle look the same
                close_old_connections()

    def check_worker(self) -> None:
        close_old_connections()
        self.record_heartbeat()
        is_idle = time.monotonic() - self.last_task_at > STALLED_AFTER_SECONDS
        if is_idle and self._has_waiting_work() and _is_broker_up():
            log.error("worker consumes no tasks although work waits: exiting for a restart", worker=self.worker)
            os._exit(EXIT_STATUS)

    def record_heartbeat(self) -> None:
        now = clock.now()
        Heartbeat.objects.update_or_create(worker=self.worker, defaults={"at": now})
        Heartbeat.objects.filter(at__lt=now - timedelta(days=1)).exclude(worker=SCHEDULER_KEY).delete()

    def _has_waiting_work(self) -> bool:
        """Return True if a task should have come: always for a dispatcher, for a courier if deliveries are overdue."""
        if self.is_dispatcher:
            return True
        pending = Delivery.objects.filter(state=DeliveryState.PENDING, stream__in=ready_streams())
        return pending.filter(due_at__lt=clock.now() - OVERDUE_AFTER).exists()


def _is_broker_up() -> bool:
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # the broker's client raises anything; then the broker is at fault, not this worker
        return False
    return True
