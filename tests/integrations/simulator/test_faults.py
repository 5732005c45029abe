import time
from collections.abc import Callable

import pytest
import requests

from integrations.simulator.control import ControlError
from tests.integrations.simulator.process import Caller, Simulator

Breaches = Callable[[], list[str]]
DONE = {"status": "COMPLETED"}


def effects(simulator: Simulator, order_id: str) -> int:
    return int(simulator.control.get_order(order_id)["effects"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503])
def test_status_before_the_effect(simulator: Simulator, customer: Caller, order_id: str, status: int) -> None:
    simulator.control.set_fault("status", route="result", status=status, count=1)
    answer = customer.patch_result(order_id, DONE)
    assert (answer.status_code, effects(simulator, order_id)) == (status, 0)
    assert answer.json()["errors"][0].keys() == {"code", "message"}
    assert customer.patch_result(order_id, DONE).status_code == 200


def test_retry_after_is_sent_if_set(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.set_fault("status", route="result", status=429, retry_after=7, count=1)
    assert customer.patch_result(order_id, DONE).headers["Retry-After"] == "7"
    simulator.control.set_fault("status", route="result", status=429, count=1)
    assert "Retry-After" not in customer.patch_result(order_id, DONE).headers


@pytest.mark.parametrize(("after_effect", "expected"), [(False, 0), (True, 1)])
def test_dropped_connection(
    simulator: Simulator, customer: Caller, order_id: str, after_effect: bool, expected: int
) -> None:
    simulator.control.set_fault("drop", route="result", after_effect=after_effect, count=1)
    customer.token = customer.fetch_token().json()["access_token"]
    with pytest.raises(requests.ConnectionError):
        customer.patch_result(order_id, DONE)
    assert effects(simulator, order_id) == expected


def test_hang_ends_when_the_caller_leaves(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.set_fault("hang", route="result", count=1)
    customer.token = customer.fetch_token().json()["access_token"]
    since = simulator.control.get_ledger_end()
    with pytest.raises(requests.ReadTimeout):
        customer.patch_result(order_id, DONE, timeout=0.3)
    time.sleep(0.2)
    [call] = simulator.control.iterate_events(since, kinds="call")
    assert (call["status"], call["seconds"] < 1, effects(simulator, order_id)) == (444, True, 0)


def test_slow_answer_still_works(simulator: Simulator, customer: Caller, order_id: str) -> None:
    customer.patch_result(order_id, {})
    simulator.control.set_fault("slow", seconds=0.3, route="result", count=1)
    start = time.monotonic()
    assert customer.patch_result(order_id, DONE).status_code == 200
    assert 0.3 <= time.monotonic() - start < 1


def test_truncated_answer(simulator: Simulator, customer: Caller, order_id: str) -> None:
    simulator.control.set_fault("truncated", route="result", after_effect=True, count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        customer.patch_result(order_id, DONE)
    assert effects(simulator, order_id) == 1


def test_html_and_redirect_and_garbage(simulator: Simulator, customer: Caller, order_id: str) -> None:
    for action in ("html200", "redirect", "garbage"):
        simulator.control.set_fault(action, route="result", count=1)
    html, redirect, garbage = (customer.patch_result(order_id, DONE) for _ in range(3))
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "/login")
    assert (garbage.status_code, garbage.json()) == (200, ["unexpected"])
    assert effects(simulator, order_id) == 0


def test_fault_of_one_company_spares_the_others(
    simulator: Simulator, customer: Caller, company: str, order_id: str
) -> None:
    simulator.control.set_fault("status", status=500, company="northwind")
    assert customer.patch_result(order_id, DONE).status_code == 200
    simulator.control.set_fault("status", status=500, company=company)
    assert customer.patch_result(order_id, DONE).status_code == 500


def test_fault_is_counted_and_can_be_cleared(simulator: Simulator, customer: Caller, order_id: str) -> None:
    fault = simulator.control.set_fault("status", status=500, route="result")
    for _ in range(3):
        assert customer.patch_result(order_id, DONE).status_code == 500
    assert [(each["id"], each["fired"]) for each in simulator.control.send_request("GET", "faults")] == [(fault, 3)]
    simulator.control.send_request("DELETE", "faults", str(fault))
    assert customer.patch_result(order_id, DONE).status_code == 200


@pytest.mark.parametrize(
    "values", [{"action": "explode"}, {"action": "drop", "route": "x"}, {"action": "drop", "x": 1}]
)
def test_invalid_fault_is_refused(simulator: Simulator, values: dict[str, object]) -> None:
    with pytest.raises(ControlError, match="422"):
        simulator.control.send_request("POST", "faults", json=values)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        *(("faults", {"action": action}) for action in ([], {}, None, 5)),
        *(("faults", {"action": "slow", "seconds": seconds}) for seconds in ("1", None, True)),
        ("faults", {"action": "status", "status": "500"}),
        *(("orders", {"company": "northwind", "package": package}) for package in (None, 5, True, [], {})),
        ("orders", {"company": [], "package": "skills"}),
        ("orders", {"company": "northwind", "package": "skills", "candidates": ["1"]}),
        ("orders", {"company": "northwind", "package": "skills", "candidates": 5}),
        ("orders", {"company": "northwind", "package": "skills", "fields": {"level": 1}}),
        ("settings", {"rate": "10"}),
        ("settings", {"limits": 1}),
        ("settings", {"url_form": []}),
        ("settings", {"nothing": 1}),
    ],
)
def test_value_of_the_wrong_type_is_refused(simulator: Simulator, path: str, values: dict[str, object]) -> None:
    method = "PATCH" if path == "settings" else "POST"
    answer = requests.request(method, f"{simulator.url}/_simulator/{path}", json=values, timeout=20)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "WRONG")


def test_float_settings_accept_integers(simulator: Simulator) -> None:
    simulator.control.change_settings(latency=0, jitter=0, rate=11)
    assert requests.get(f"{simulator.url}/_simulator/settings", timeout=20).json()["rate"] == 11
