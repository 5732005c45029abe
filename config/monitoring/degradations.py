"""What the whole installation lacks, in a sentence each: for `/readyz` and for what staff see first."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from integrations.outbox import clock
from integrations.outbox.models import Heartbeat
from integrations.outbox.watchdog import WAY

SILENT = timedelta(minutes=2)
LEAST_ROOM = 200 * 1024 * 1024


@dataclass(frozen=True)
class Shortage:
    what: str
    since: datetime | None = None


@dataclass(frozen=True)
class Beats:
    """When a worker was last seen, and when a wake-up last came all the way to one."""

    worker: datetime | None
    way: datetime | None


def beats() -> Beats:
    seen = dict(Heartbeat.objects.values_list("worker", "at"))
    way = seen.pop(WAY, None)
    return Beats(max(seen.values(), default=None), way)


def found(last: Beats) -> list[Shortage]:
    return [*_silence(last), *_no_room()]


def _silence(last: Beats) -> list[Shortage]:
    """Where neither has come yet, the portal starts."""
    late = clock.now() - SILENT
    if last.worker is not None and last.worker < late:
        said = (
            "No worker has been seen for a while: nothing is sent. Do the workers run, and can the database be written?"
        )
        return [Shortage(said, last.worker)]
    if last.way is not None and last.way < late:
        said = "Nothing is sent: nobody wakes the workers. Do broker (REDIS_URL), scheduler and dispatcher run?"
        return [Shortage(said, last.way)]
    return []


def _no_room() -> list[Shortage]:
    try:
        free = shutil.disk_usage(settings.PORTAL_DATA_DIR).free
    except OSError as error:
        return [Shortage(f"The data folder cannot be read ({error.strerror}): see PORTAL_DATA_DIR.")]
    if free >= LEAST_ROOM:
        return []
    said = f"The disk of the data folder is nearly full: {free // 1024**2} MB are left. Soon nothing is taken any more."
    return [Shortage(said)]
