"""Rate limiter: ten calls per second and endpoint, eight concurrent calls, per credential, in a sliding window."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.integrations.simulator.process import Caller, Simulator

pytestmark = pytest.mark.e2e


@pytest.fixture
def order_id(simulator: Simulator, order_id: str) -> str:
    """Enforce the limits from here on."""
    simulator.control.change_settings(limits=True)
    return order_id


def burst(caller: Caller, order_id: str, count: int) -> list[int]:
    caller.patch_result(order_id, {})
    time.sleep(1.1)
    with ThreadPoolExecutor(max_workers=count) as pool:
        return sorted(pool.map(lambda _: caller.patch_result(order_id, {}).status_code, range(count)))


def exhaust_limit(caller: Caller, order_id: str) -> None:
    """Call without a pause until a call is refused; on a slow machine that is not the eleventh."""
    for number in range(60):
        if caller.patch_result(order_id, {}).status_code == 429:
            assert number >= 10
            return
    pytest.fail("no call was refused")


def test_eleventh_call_of_a_second_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    since = simulator.control.get_ledger_end()
    exhaust_limit(customer, order_id)
    calls = [call for call in simulator.control.iterate_events(since, kinds="call") if call["route"] == "result"]
    assert calls.pop()["status"] == 429
    arrived = [call["arrived"] for call in calls]
    assert all(later - earlier > 0.99 for earlier, later in zip(arrived, arrived[10:], strict=False))


def test_limits_are_per_endpoint(simulator: Simulator, customer: Caller, order_id: str) -> None:
    exhaust_limit(customer, order_id)
    assert customer.call("GET", "jobs/unknown").status_code == 401


def test_limits_are_per_credential(simulator: Simulator, customer: Caller, company: str, order_id: str) -> None:
    simulator.control.change_settings(limits=False)
    another = simulator.connect_company(f"{company}-another")
    simulator.control.change_settings(limits=True)
    exhaust_limit(customer, order_id)
    assert another.patch_result(order_id, {}).status_code == 403


def test_ninth_concurrent_call_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.set_fault("slow", seconds=0.6, route="result")
    assert burst(customer, order_id, 10) == [200] * 8 + [429] * 2


def test_rate_below_the_limit_is_never_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.change_settings(latency=0.2, jitter=0.1)
    since = simulator.control.get_ledger_end()
    customer.patch_result(order_id, {})
    start = time.monotonic()

    def call_on_schedule(number: int) -> int:
        time.sleep(max(0, start + number / 8 - time.monotonic()))
        return customer.patch_result(order_id, {}).status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(call_on_schedule, range(1, 22))) == {200}
    calls = [call for call in simulator.control.iterate_events(since, kinds="call") if call["route"] == "result"]
    arrived = sorted(call["arrived"] for call in calls)
    assert len(arrived) == 22
    assert max(call["in_flight"] for call in calls) <= 8
    assert all(later - earlier > 0.99 for earlier, later in zip(arrived, arrived[10:], strict=False))
    assert all(later >= earlier for earlier, later in pairwise(arrived))


def test_limits_can_be_switched_off(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.change_settings(limits=False)
    assert burst(customer, order_id, 20) == [200] * 20
