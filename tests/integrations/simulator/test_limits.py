"""Ten a second per endpoint and eight at a time, per credential, in a sliding window."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from tests.integrations.simulator.process import Caller, Simulator

pytestmark = pytest.mark.e2e


@pytest.fixture
def order_id(simulator: Simulator, order_id: str) -> str:
    """Limits count from here on."""
    simulator.control.change_settings(limits=True)
    return order_id


def burst(caller: Caller, order_id: str, count: int) -> list[int]:
    caller.patch_result(order_id, {})
    time.sleep(1.1)
    with ThreadPoolExecutor(max_workers=count) as pool:
        return sorted(pool.map(lambda _: caller.patch_result(order_id, {}).status_code, range(count)))


def use_up(caller: Caller, order_id: str) -> None:
    """Call without a pause until one is refused; on a slow machine that is not the eleventh."""
    for number in range(60):
        if caller.patch_result(order_id, {}).status_code == 429:
            assert number >= 10
            return
    pytest.fail("no call was refused")


def test_eleventh_call_of_a_second_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    since = simulator.control.get_ledger_end()
    use_up(customer, order_id)
    calls = [call for call in simulator.control.iterate_events(since, kinds="call") if call["route"] == "result"]
    assert calls.pop()["status"] == 429
    arrived = [call["arrived"] for call in calls]
    assert all(later - earlier > 0.99 for earlier, later in zip(arrived, arrived[10:], strict=False))


def test_endpoints_have_limits_of_their_own(simulator: Simulator, customer: Caller, order_id: str) -> None:
    use_up(customer, order_id)
    assert customer.call("GET", "jobs/unknown").status_code == 401


def test_credentials_have_limits_of_their_own(
    simulator: Simulator, customer: Caller, company: str, order_id: str
) -> None:
    simulator.control.change_settings(limits=False)
    another = simulator.connect_company(f"{company}-another")
    simulator.control.change_settings(limits=True)
    use_up(customer, order_id)
    assert another.patch_result(order_id, {}).status_code == 403


def test_ninth_call_at_a_time_is_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.set_fault("slow", seconds=0.6, route="result")
    assert burst(customer, order_id, 10) == [200] * 8 + [429] * 2


def test_pace_below_the_limit_draws_no_429(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.change_settings(latency=0.2, jitter=0.1)
    since = simulator.control.get_ledger_end()
    customer.patch_result(order_id, {})
    start = time.monotonic()

    def at_its_time(number: int) -> int:
        time.sleep(max(0, start + number / 8 - time.monotonic()))
        return customer.patch_result(order_id, {}).status_code

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(at_its_time, range(1, 22))) == {200}
    calls = [call for call in simulator.control.iterate_events(since, kinds="call") if call["route"] == "result"]
    arrived = sorted(call["arrived"] for call in calls)
    assert len(arrived) == 22
    assert max(call["in_flight"] for call in calls) <= 8
    assert all(later - earlier > 0.99 for earlier, later in zip(arrived, arrived[10:], strict=False))
    assert all(later >= earlier for earlier, later in pairwise(arrived))


def test_limits_can_be_switched_off(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.change_settings(limits=False)
    assert burst(customer, order_id, 20) == [200] * 20
