from tests.simulator.process import Caller, Simulator


def test_result_is_merged(simulator: Simulator, customer: Caller, order_id: str) -> None:
    first = customer.patch(order_id, {"status": "IN_PROGRESS", "summary": "begun"})
    assert (first.status_code, first.json()) == (200, {"status": "IN_PROGRESS", "summary": "begun"})
    second = customer.patch(
        order_id, {"status": "COMPLETED", "summary": None, "score": {"raw": 28, "min": 20, "max": 80}}
    )
    assert second.json() == {"status": "COMPLETED", "score": {"raw": 28, "min": 20, "max": 80}}
    order = simulator.control.order(order_id)
    assert [each["status"] for each in order["notifications"]] == ["IN_PROGRESS", "COMPLETED"]
    assert simulator.control.breaches() == []
