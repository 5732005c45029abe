"""What the whole installation lacks, in a sentence each: for `/readyz` and for what staff see first."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from integrations.outbox import clock
from integrations.outbox.models import Heartbeat
from integrations.outbox.watchdog import SCHEDULER_KEY

SILENT_AFTER = timedelta(minutes=2)
MIN_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Degradation:
    message: str
    since: datetime | None = None


@dataclass(frozen=True)
class Heartbeats:
    """When a worker was last seen, and when a wake-up last came all the way to one."""

    worker_at: datetime | None
    scheduler_at: datetime | None


def load_heartbeats() -> Heartbeats:
    seen = dict(Heartbeat.objects.values_list("worker", "at"))
    way = seen.pop(SCHEDULER_KEY, None)
    return Heartbeats(max(seen.values(), default=None), way)


def list_degradations(heartbeats: Heartbeats) -> list[Degradation]:
    return [*_check_heartbeats(heartbeats), *_check_disk_space()]


def _check_heartbeats(heartbeats: Heartbeats) -> list[Degradation]:
    """Where neither has come yet, the portal starts."""
    late = clock.now() - SILENT_AFTER
    if heartbeats.worker_at is not None and heartbeats.worker_at < late:
        said = (
            "No worker has been seen for a while: nothing is sent. Do the workers run, and can the database be written?"
        )
        return [Degradation(said, heartbeats.worker_at)]
    if heartbeats.scheduler_at is not None and heartbeats.scheduler_at < late:
        said = "Nothing is sent: nobody wakes the workers. Do broker (REDIS_URL), scheduler and dispatcher run?"
        return [Degradation(said, heartbeats.scheduler_at)]
    return []


def _check_disk_space() -> list[Degradation]:
    try:
        free = shutil.disk_usage(settings.PORTAL_DATA_DIR).free
    except OSError as error:
        return [Degradation(f"The data folder cannot be read ({error.strerror}): see PORTAL_DATA_DIR.")]
    if free >= MIN_FREE_BYTES:
        return []
    said = f"The disk of the data folder is nearly full: {free // 1024**2} MB are left. Soon nothing is taken any more."
    return [Degradation(said)]
