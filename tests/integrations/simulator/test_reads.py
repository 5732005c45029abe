"""Candidates, jobs, hiring teams; 401 also means "no access"."""

from collections.abc import Callable

import pytest

from tests.integrations.simulator.process import Caller, Simulator

Breaches = Callable[[], list[str]]


def test_candidate_and_job_of_an_order_can_be_read(
    simulator: Simulator, customer: Caller, order_id: str, breaches: Breaches
) -> None:
    order = simulator.control.get_order(order_id)
    candidate = customer.call("GET", f"candidates/{order['candidate']['id']}").json()
    job = customer.call("GET", f"jobs/{order['job_id']}").json()
    team = customer.call("GET", f"jobs/{order['job_id']}/hiring-team").json()
    assert candidate == order["candidate"]
    assert candidate["email"].endswith(".example")
    assert (job["id"], job["location"].keys() >= {"country", "region", "city", "remote"}) == (order["job_id"], True)
    assert team["totalFound"] == len(team["content"]) == 4
    assert team["content"][0].keys() == {"id", "role"}
    assert breaches() == []


@pytest.mark.parametrize("path", ["candidates/unknown", "jobs/unknown", "jobs/unknown/hiring-team"])
def test_unknown_is_401_and_no_breach(customer: Caller, breaches: Breaches, path: str) -> None:
    assert (customer.call("GET", path).status_code, breaches()) == (401, [])


def test_foreign_candidate_is_401_and_a_breach(
    simulator: Simulator, customer: Caller, company: str, breaches: Breaches
) -> None:
    foreign = simulator.control.list_candidates("northwind")[0]["id"]
    assert customer.call("GET", f"candidates/{foreign}").status_code == 401
    assert breaches() == ["foreign candidate"]
