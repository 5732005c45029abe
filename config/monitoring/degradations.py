"""Degradations of the whole installation, for `/readyz` and staff's overview: no worker, no disk space, no scanner."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from integrations import clamav
from integrations.outbox import clock
from integrations.outbox.models import Heartbeat
from integrations.outbox.scheduling.watchdog import SCHEDULER_KEY

SILENT_AFTER = timedelta(minutes=2)
MIN_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Degradation:
    message: str
    since: datetime | None = None


@dataclass(frozen=True)
class Heartbeats:
    """When a worker was last seen, and when a wake-up of the scheduler last reached one."""

    worker_at: datetime | None
    scheduler_at: datetime | None


def load_heartbeats() -> Heartbeats:
    beats = dict(Heartbeat.objects.values_list("worker", "at"))
    scheduler_at = beats.pop(SCHEDULER_KEY, None)
    return Heartbeats(max(beats.values(), default=None), scheduler_at)


def list_degradations(heartbeats: Heartbeats) -> list[Degradation]:
    return [*_check_heartbeats(heartbeats), *_check_disk_space(), *_check_scanner()]


def explain_overdue(heartbeats: Heartbeats) -> str:
    """Return why deliveries are overdue, as far as the heartbeats tell, as the end of a sentence."""
    if heartbeats.worker_at is None:
        return ". No worker has started yet."
    if _check_heartbeats(heartbeats):
        return "."
    return " although the workers run. Are there enough of them?"


def _check_heartbeats(heartbeats: Heartbeats) -> list[Degradation]:
    # Without any heartbeat the portal is still starting.
    late = clock.now() - SILENT_AFTER
    if heartbeats.worker_at is not None and heartbeats.worker_at < late:
        message = (
            "No worker has been seen for a while, so nothing is sent. "
            "Check that the workers are running and that the database is writable."
        )
        return [Degradation(message, heartbeats.worker_at)]
    if heartbeats.scheduler_at is not None and heartbeats.scheduler_at < late:
        message = (
            "Nothing is sent because the workers are not woken. "
            "Check that the broker (REDIS_URL), the scheduler and the dispatcher are running."
        )
        return [Degradation(message, heartbeats.scheduler_at)]
    return []


def _check_disk_space() -> list[Degradation]:
    try:
        free = shutil.disk_usage(settings.PORTAL_DATA_DIR).free
    except OSError as error:
        return [Degradation(f"The data folder cannot be read ({error.strerror}). Check PORTAL_DATA_DIR.")]
    if free >= MIN_FREE_BYTES:
        return []
    message = f"The disk of the data folder is nearly full: {free // 1024**2} MB are left. Free some space."
    return [Degradation(message)]


def _check_scanner() -> list[Degradation]:
    if not (reason := clamav.find_outage()):
        return []
    return [Degradation(f"{reason}, so reports are refused with 503. Check that clamd is running, and CLAMAV_URL.")]
