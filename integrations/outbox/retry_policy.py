"""What came back, and what is done about it: DESIGN.md's table, as data."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum


class Disposition(Enum):
    DELIVERED = "delivered"
    RETRY = "retry"  # on the schedule
    PAUSE = "pause"  # the whole credential waits
    NEW_TOKEN = "new token"  # once, at once  # noqa: S105
    OTHER_TYPE = "other type"  # once, at once
    RETRY_WHILE_FRESH = "retry while fresh"
    NO_ACCESS = "no access"  # a read's end, recorded
    FORBIDDEN = "forbidden"  # a dead letter; ten in a row hold the stream
    FAIL = "fail"  # a dead letter, at once
    UNKNOWN = "unknown"  # a person settles it


DISPOSITION_BY_STATUS: Mapping[int, Disposition] = {
    400: Disposition.FAIL,
    401: Disposition.NEW_TOKEN,
    403: Disposition.FORBIDDEN,
    404: Disposition.RETRY_WHILE_FRESH,
    405: Disposition.FAIL,
    408: Disposition.RETRY,
    409: Disposition.FAIL,
    410: Disposition.FORBIDDEN,
    413: Disposition.FAIL,
    415: Disposition.OTHER_TYPE,
    422: Disposition.FAIL,
    425: Disposition.RETRY,
    429: Disposition.PAUSE,
    500: Disposition.RETRY,
    502: Disposition.RETRY,
    503: Disposition.PAUSE,
    504: Disposition.RETRY,
}

UNAUTHORIZED_LIMIT = 3
FORBIDDEN_LIMIT = 10
MAX_HANDLER_ERRORS = 5
CIRCUIT_BREAKER_THRESHOLD = 5
"""Of any deliveries of one stream, with no success between: the other side is down, and only a probe goes there."""

RETRY_SCHEDULE = [
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
]
MAX_DELAY = timedelta(hours=12)
JITTER = 0.2

INITIAL_PAUSE, MAX_PAUSE, MAX_BREAKER_PAUSE = 5.0, 3600.0, 60.0


def classify_status(status: int, overrides: Mapping[int, Disposition]) -> Disposition:
    """The cure of a status that is no success. An unknown one is treated as a failure of the network."""
    return overrides.get(status) or DISPOSITION_BY_STATUS.get(status, Disposition.RETRY)


def retry_delay(failures: int, jitter: float) -> timedelta:
    """How long to wait after the n-th failure (from 1). `spread` in [-1, 1] places it within ± 20 %."""
    step = RETRY_SCHEDULE[failures - 1] if failures <= len(RETRY_SCHEDULE) else MAX_DELAY
    return step * (1 + JITTER * jitter)


def parse_int(header: str) -> int | None:
    """What a header's digits say; None for whatever else stands there."""
    text = header.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def pause_duration(retry_after: str | None, last_pause: float) -> float:
    """Seconds a credential waits after a 429 or 503: Retry-After between 1 s and 1 h, else 5 s, doubling."""
    if (seconds := parse_int(retry_after or "")) is not None:
        return min(max(seconds, 1.0), MAX_PAUSE)
    return min(last_pause * 2, MAX_PAUSE) if last_pause else INITIAL_PAUSE


def circuit_breaker_pause(failures_in_a_row: int, last_pause: float) -> float:
    """Seconds a credential waits when its calls fail one after the other; 0 while they are few."""
    return (
        min(pause_duration(None, last_pause), MAX_BREAKER_PAUSE)
        if failures_in_a_row >= CIRCUIT_BREAKER_THRESHOLD
        else 0.0
    )
