"""Sliding window of the simulator's rate limiter: ten calls in any second, by the time at which they arrived."""

import random

import pytest

from integrations.simulator.limits import RateLimiter


def admit(limiter: RateLimiter, *times: float) -> list[bool]:
    statuses = []
    for at in times:
        status = limiter.acquire_slot("pair", "result", arrived_at=at, rate=10, concurrent=8, enforced=True)
        limiter.release_slot("pair")
        statuses.append(status.refusal_reason is None)
    return statuses


def test_eleventh_call_within_a_second_is_refused_and_one_a_second_after_the_first_is_not() -> None:
    limiter = RateLimiter()
    assert admit(limiter, *(number / 20 for number in range(10)), 0.99, 1.0, 1.04) == [True] * 10 + [False, True, False]


@pytest.mark.parametrize("seed", range(20))
def test_calls_that_keep_to_the_limit_are_admitted_in_any_order(seed: int) -> None:
    times = [number / 9.25 for number in range(40)]
    random.Random(seed).shuffle(times)
    assert admit(RateLimiter(), *times) == [True] * 40


@pytest.mark.parametrize("seed", range(20))
def test_no_second_holds_more_than_ten_in_whatever_order_they_are_counted(seed: int) -> None:
    random_ = random.Random(seed)
    times = [random_.uniform(0, 3) for _ in range(80)]
    admitted = sorted(at for at, is_admitted in zip(times, admit(RateLimiter(), *times), strict=True) if is_admitted)
    assert len(admitted) >= 20
    assert all(later - earlier >= 1 for earlier, later in zip(admitted, admitted[10:], strict=False))


def test_refused_call_takes_no_place() -> None:
    limiter = RateLimiter()
    admit(limiter, *(0.0,) * 30)
    assert admit(limiter, 1.0) == [True]
