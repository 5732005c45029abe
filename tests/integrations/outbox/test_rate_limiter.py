"""Rate limiter: the time of the next call, by the calls sent and by `X-RateLimit-*`."""

import pytest

from integrations.outbox.sending.rate_limiter import RateLimiter

FULL = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0"}


def calls(pace: RateLimiter, count: int, *, late: float = 0.0) -> list[float]:
    """Return the times of this many calls in a row, each `late` seconds late."""
    now, found = 1000.0, []
    for _ in range(count):
        now += pace.wait_seconds("x", now) + late
        pace.reserve_slot("x", now)
        pace.record_send("x", now)
        found.append(now)
    return found


@pytest.mark.parametrize("late", [0.0, 0.005, 0.009, 0.05])
def test_eleven_calls_span_more_than_a_second_however_late_each_is(late: float) -> None:
    times = calls(RateLimiter(9.25, {}), 60, late=late)
    assert min(after - before for before, after in zip(times, times[10:], strict=False)) > 1.06


@pytest.mark.parametrize("late", [0.0, 0.005, 0.009])
def test_lateness_of_some_milliseconds_costs_no_pace(late: float) -> None:
    times = calls(RateLimiter(9.25, {}), 61, late=late)
    assert 60 / (times[-1] - times[0]) > 9.2


def test_window_that_is_full_of_our_own_calls_delays_nothing() -> None:
    pace = RateLimiter(9.25, {})
    now = calls(pace, 20)[-1]
    before = pace.wait_seconds("x", now)
    pace.adjust_rate("x", FULL, now + 0.05, sent_in_window=9)
    assert pace.wait_seconds("x", now) == before


def test_window_that_somebody_else_fills_is_waited_for() -> None:
    pace = RateLimiter(9.25, {})
    now = calls(pace, 1)[-1]
    pace.adjust_rate("x", FULL, now + 0.05, sent_in_window=1)
    assert pace.wait_seconds("x", now) == pytest.approx(0.05 + 2 / 9.25)


def test_lower_limit_is_kept_to() -> None:
    pace = RateLimiter(9.25, {})
    pace.adjust_rate("x", {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "3"}, 1000.0, sent_in_window=1)
    times = calls(pace, 12)
    assert 5 / (times[-1] - times[-6]) == pytest.approx(4.75)


@pytest.mark.parametrize("limit", ["", "0", "-1", "many", "²", "٣", "9" * 5000])
def test_limit_that_is_none_changes_nothing(limit: str) -> None:
    pace = RateLimiter(9.25, {})
    pace.adjust_rate("x", {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": "0"}, 1000.0, sent_in_window=1)
    assert (pace.wait_seconds("x", 1000.0), pace.intervals) == (0.0, {})
