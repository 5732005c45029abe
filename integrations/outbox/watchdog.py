"""Ends a worker that lives and consumes nothing, so that the supervisor starts a new one (celery #10302).

Every worker keeps a heartbeat row, and so does the whole way of a wake-up, from the scheduler over the broker to the
dispatcher and the database: it beats only while all of them do, and `/readyz` and admin tell when it stops.
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
from integrations.outbox.dispatcher import ready_streams
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat

log = structlog.get_logger(__name__)
EVERY_SECONDS = 5.0
SILENT_SECONDS = 60.0
OVERDUE = timedelta(seconds=45)
EXIT_STATUS = 75
WAY = "scheduler"
"""The heartbeat of the way; workers' names have an @."""


class Beat:
    """Called for each wake-up that arrives, every second; writes now and then."""

    def __init__(self) -> None:
        self._wrote_at = float("-inf")

    def __call__(self) -> None:
        if time.monotonic() - self._wrote_at >= EVERY_SECONDS:
            Heartbeat.objects.update_or_create(worker=WAY, defaults={"at": clock.now()})
            self._wrote_at = time.monotonic()


class Watchdog(threading.Thread):
    """`consumed` is called for each task that the worker begins."""

    def __init__(self, worker: str, *, is_dispatcher: bool) -> None:
        super().__init__(daemon=True, name="watchdog")
        self.worker, self.is_dispatcher = worker, is_dispatcher
        self.last = time.monotonic()

    def consumed(self, **_: Any) -> None:
        self.last = time.monotonic()

    def run(self) -> None:
        while True:
            time.sleep(EVERY_SECONDS)
            try:
                self.look()
            except (DatabaseError, InterfaceError):  # no database, no judgement
                close_old_connections()

    def look(self) -> None:
        close_old_connections()
        self.beat()
        if time.monotonic() - self.last > SILENT_SECONDS and self._work_waits() and _broker_answers():
            log.error("this worker consumes nothing though work waits: it ends, to be started anew", worker=self.worker)
            os._exit(EXIT_STATUS)

    def beat(self) -> None:
        now = clock.now()
        Heartbeat.objects.update_or_create(worker=self.worker, defaults={"at": now})
        Heartbeat.objects.filter(at__lt=now - timedelta(days=1)).exclude(worker=WAY).delete()

    def _work_waits(self) -> bool:
        """A dispatcher is woken every second; a courier has work when something has been due for long."""
        if self.is_dispatcher:
            return True
        late = Delivery.objects.filter(
            state=DeliveryState.PENDING, due_at__lt=clock.now() - OVERDUE, stream__in=ready_streams()
        )
        return late.exists()


def _broker_answers() -> bool:
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # whatever the broker's client raises: it is the broker that is away, not this worker
        return False
    return True
