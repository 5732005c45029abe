"""Retry policy: dispositions by status, the backoff schedule with jitter, limits of the circuit breaker (README.md)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum


class Disposition(Enum):
    DELIVERED = "delivered"
    RETRY = "retry"  # on the backoff schedule
    PAUSE = "pause"  # of the whole stream
    NEW_TOKEN = "new token"  # once, at once  # noqa: S105
    OTHER_TYPE = "other type"  # once, at once
    RETRY_WHILE_FRESH = "retry while fresh"
    NO_ACCESS = "no access"  # end of a read
    FORBIDDEN = "forbidden"  # dead letter; ten in a row hold the stream
    FAIL = "fail"  # dead letter, at once
    UNKNOWN = "unknown"  # never retried automatically


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

UNAUTHORIZED_LIMIT = 3  # sequence keys refused in a row: the credentials count as refused
FORBIDDEN_LIMIT = 10
MAX_HANDLER_ERRORS = 5
CIRCUIT_BREAKER_THRESHOLD = 5  # failures in a row in one stream: the other side is down

RETRY_SCHEDULE = [
    *(timedelta(seconds=seconds) for seconds in (5, 30)),
    *(timedelta(minutes=minutes) for minutes in (2, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8)),
]
MAX_DELAY = timedelta(hours=12)
JITTER = 0.2

# In a stream whose last calls all failed, the other side is down, and its return must be noticed soon. Longer backoff
# is for a delivery that fails while others succeed.
MAX_OUTAGE_DELAY = timedelta(seconds=30)

INITIAL_PAUSE, MAX_PAUSE = 2.0, 30.0  # without Retry-After
MAX_RETRY_AFTER = 3600.0


def classify_status(status: int, overrides: Mapping[int, Disposition]) -> Disposition:
    """Return the disposition of a status that is not a success. An unlisted status counts as a network error."""
    return overrides.get(status) or DISPOSITION_BY_STATUS.get(status, Disposition.RETRY)


def retry_delay(failures: int, jitter: float, *, is_outage: bool = False) -> timedelta:
    """Return the backoff after the nth failure, from 1. `jitter` in [-1, 1] moves it by up to ± 20 %."""
    step = RETRY_SCHEDULE[failures - 1] if failures <= len(RETRY_SCHEDULE) else MAX_DELAY
    return (min(step, MAX_OUTAGE_DELAY) if is_outage else step) * (1 + JITTER * jitter)


def parse_int(header: str) -> int | None:
    """Parse a header of ASCII digits; return None for anything else."""
    text = header.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def parse_retry_after(header: str, now: datetime) -> float | None:
    """Return the seconds that Retry-After demands, as a number or until a date (RFC 9110, section 10.2.3)."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)  # of any length
    try:
        date = parsedate_to_datetime(text)
        return (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None


def pause_duration(retry_after: str | None, last_pause: float, now: datetime) -> float:
    """Return the seconds to pause: Retry-After between 1 s and 1 h, otherwise 2 s, doubling with each pause to 30 s."""
    if (seconds := parse_retry_after(retry_after or "", now)) is not None:
        return min(max(seconds, 1.0), MAX_RETRY_AFTER)
    return min(last_pause * 2, MAX_PAUSE) if last_pause else INITIAL_PAUSE
