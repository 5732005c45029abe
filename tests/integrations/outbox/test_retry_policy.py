from datetime import UTC, datetime

import pytest

from integrations.outbox.sending.retry_policy import (
    DISPOSITION_BY_STATUS,
    MAX_DELAY,
    RETRY_SCHEDULE,
    Disposition,
    classify_status,
    pause_duration,
    retry_delay,
)


def test_cures_are_the_design_s_table() -> None:
    assert {
        cure: sorted(s for s in DISPOSITION_BY_STATUS if DISPOSITION_BY_STATUS[s] is cure)
        for cure in set(DISPOSITION_BY_STATUS.values())
    } == {
        Disposition.RETRY: [408, 425, 500, 502, 504],
        Disposition.PAUSE: [429, 503],
        Disposition.NEW_TOKEN: [401],
        Disposition.FAIL: [400, 405, 409, 413, 422],
        Disposition.OTHER_TYPE: [415],
        Disposition.FORBIDDEN: [403, 410],
        Disposition.RETRY_WHILE_FRESH: [404],
    }


@pytest.mark.parametrize("status", [204, 301, 302, 307, 418, 501, 520])
def test_status_that_nobody_listed_is_a_failure_of_the_network(status: int) -> None:
    assert classify_status(status, {}) is Disposition.RETRY


def test_schedule_is_the_design_s() -> None:
    assert [step.total_seconds() for step in RETRY_SCHEDULE] == [5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800]
    assert MAX_DELAY.total_seconds() == 12 * 3600


@pytest.mark.parametrize(
    ("failures", "spread", "seconds"), [(1, 0, 5), (1, -1, 4), (1, 1, 6), (9, 0, 28800), (99, 1, 51840)]
)
def test_delay_is_within_a_fifth_of_the_schedule(failures: int, spread: float, seconds: float) -> None:
    assert retry_delay(failures, spread).total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 30), (3, 30), (99, 30)])
def test_delay_in_an_outage_is_at_most_half_a_minute(failures: int, seconds: float) -> None:
    assert retry_delay(failures, 0, is_outage=True).total_seconds() == seconds


NOW = datetime(2026, 11, 30, 18, 23, 38, tzinfo=UTC)
RETRY_AFTER = [
    (None, 0, 2),
    (None, 2, 4),
    (None, 16, 30),
    (None, 3600, 30),
    ("0", 0, 1),
    ("7", 40, 7),
    ("00000000000007", 0, 7),
    ("99999", 0, 3600),
    ("10000000000", 0, 3600),
    ("9" * 5000, 0, 3600),
    ("Mon, 30 Nov 2026 18:25:08 GMT", 0, 90),
    ("Monday, 30-Nov-26 18:25:08 GMT", 40, 90),  # RFC 850
    ("Mon Nov 30 18:25:08 2026", 0, 90),  # asctime
    ("Mon, 30 Nov 2026 19:25:08 +0100", 0, 90),
    ("Mon, 30 Nov 2026 18:23:00 GMT", 40, 1),
    ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 1),
    ("Fri, 31 Dec 9999 23:59:59 GMT", 0, 3600),
    ("soon", 0, 2),
]


@pytest.mark.parametrize(("retry_after", "last", "seconds"), RETRY_AFTER)
def test_pause_follows_retry_after_within_bounds(retry_after: str | None, last: float, seconds: float) -> None:
    assert pause_duration(retry_after, last, NOW) == seconds


@pytest.mark.parametrize("odd", ["²", "٣", "-1", "1.5", "1\x00", "7, 8", "Mon, 30 Nov 2026", "30 Nov 99999 1:00"])
def test_retry_after_that_is_neither_a_number_nor_a_date_is_none(odd: str) -> None:
    assert pause_duration(odd, 0, NOW) == pause_duration(None, 0, NOW)
