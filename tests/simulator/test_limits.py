"""Ten a second per endpoint and eight at a time, per credential, in a sliding window."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.simulator.process import API, Caller, Simulator


@pytest.fixture
def order_id(simulator: Simulator, order_id: str) -> str:
    """Limits count from here on."""
    simulator.control.settings(limits=True)
    return order_id


def burst(caller: Caller, order_id: str, count: int) -> list[int]:
    caller.patch(order_id, {})
    time.sleep(1.1)
    with ThreadPoolExecutor(max_workers=count) as pool:
        return sorted(pool.map(lambda _: caller.patch(order_id, {}).status_code, range(count)))


def test_eleventh_call_of_a_second_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    statuses = [customer.patch(order_id, {}).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2


def test_endpoints_have_limits_of_their_own(simulator: Simulator, customer: Caller, order_id: str) -> None:
    assert [customer.patch(order_id, {}).status_code for _ in range(11)][-1] == 429
    assert customer.call("GET", "jobs/unknown").status_code == 401


def test_credentials_have_limits_of_their_own(simulator: Simulator, customer: Caller, order_id: str) -> None:
    assert [customer.patch(order_id, {}).status_code for _ in range(11)][-1] == 429
    assert simulator.portal().call("GET", f"{API}/partner/configuration").status_code == 200


def test_ninth_call_at_a_time_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.fault("slow", seconds=0.6, route="result")
    assert burst(customer, order_id, 10) == [200] * 8 + [429] * 2


def test_pace_below_the_limit_draws_no_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.settings(latency=0.2, jitter=0.1)
    since = simulator.control.ledger_end()
    customer.patch(order_id, {})
    start = time.monotonic()

    def at_its_time(number: int) -> int:
        time.sleep(max(0, start + number / 8 - time.monotonic()))
        return customer.patch(order_id, {}).status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(at_its_time, range(1, 22))) == {200}
    calls = [call for call in simulator.control.events(since, kinds="call") if call["route"] == "result"]
    arrived = sorted(call["arrived"] for call in calls)
    assert len(arrived) == 22
    assert max(call["in_flight"] for call in calls) <= 8
    assert all(later - earlier > 1 for earlier, later in zip(arrived, arrived[10:], strict=False))
    assert all(later >= earlier for earlier, later in pairwise(arrived))


def test_limits_can_be_switched_off(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.settings(limits=False)
    assert burst(customer, order_id, 20) == [200] * 20
