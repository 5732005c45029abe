"""What came back, and what is done about it: DESIGN.md's table, as data."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum


class Cure(Enum):
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


CURES: Mapping[int, Cure] = {
    400: Cure.FAIL,
    401: Cure.NEW_TOKEN,
    403: Cure.FORBIDDEN,
    404: Cure.RETRY_WHILE_FRESH,
    405: Cure.FAIL,
    408: Cure.RETRY,
    409: Cure.FAIL,
    410: Cure.FORBIDDEN,
    413: Cure.FAIL,
    415: Cure.OTHER_TYPE,
    422: Cure.FAIL,
    425: Cure.RETRY,
    429: Cure.PAUSE,
    500: Cure.RETRY,
    502: Cure.RETRY,
    503: Cure.PAUSE,
    504: Cure.RETRY,
}

UNAUTHORIZED_IN_A_ROW = 3
FORBIDDEN_IN_A_ROW = 10
BUGS_BEFORE_A_DEAD_LETTER = 5
FAILURES_BEFORE_A_BREAK = 5
"""Of any deliveries of one stream, with no success between: the other side is down, and only a probe goes there."""

SCHEDULE = [
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
AFTERWARDS = timedelta(hours=12)
JITTER = 0.2

FIRST_PAUSE, LONGEST_PAUSE, LONGEST_BREAK = 5.0, 3600.0, 60.0


def cure_of(status: int, special: Mapping[int, Cure]) -> Cure:
    """The cure of a status that is no success. An unknown one is treated as a failure of the network."""
    return special.get(status) or CURES.get(status, Cure.RETRY)


def delay(failures: int, spread: float) -> timedelta:
    """How long to wait after the n-th failure (from 1). `spread` in [-1, 1] places it within ± 20 %."""
    step = SCHEDULE[failures - 1] if failures <= len(SCHEDULE) else AFTERWARDS
    return step * (1 + JITTER * spread)


def whole_number(header: str) -> int | None:
    """What a header's digits say; None for whatever else stands there."""
    text = header.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def pause(retry_after: str | None, last: float) -> float:
    """Seconds a credential waits after a 429 or 503: Retry-After between 1 s and 1 h, else 5 s, doubling."""
    if (seconds := whole_number(retry_after or "")) is not None:
        return min(max(seconds, 1.0), LONGEST_PAUSE)
    return min(last * 2, LONGEST_PAUSE) if last else FIRST_PAUSE


def pause_after_failures(failures_in_a_row: int, last: float) -> float:
    """Seconds a credential waits when its calls fail one after the other; 0 while they are few."""
    return min(pause(None, last), LONGEST_BREAK) if failures_in_a_row >= FAILURES_BEFORE_A_BREAK else 0.0
