"""Exchange of credentials: once per consent, and no client id is used twice."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.integrations.simulator.fake_portal import FakePortal
from tests.integrations.simulator.process import API, Caller, Simulator

Breaches = Callable[[], list[str]]


def exchange(simulator: Simulator, company: str, client_id: str, secret: str | None = None) -> requests.Response:
    path = f"{API}/integration/company/{company}"
    return simulator.master_caller().call("POST", path, json={"clientId": client_id, "clientSecret": secret or "ours"})


@pytest.fixture
def willing(simulator: Simulator, portal: FakePortal, company: str) -> str:
    """Add a company that has consented but is not connected."""
    simulator.control.add_company(company)
    simulator.control.grant_consent(company)
    return company


def test_exchange_returns_working_credentials(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    answer = exchange(simulator, willing, f"ours-{willing}")
    assert answer.status_code == 200
    assert answer.json().keys() == {"clientId", "clientSecret"}
    customer = Caller(simulator, answer.json()["clientId"], answer.json()["clientSecret"])
    assert customer.fetch_token().status_code == 200
    company = simulator.control.get_company(willing)
    assert (company["connected"], company["client_id"], breaches()) == (True, f"ours-{willing}", [])


def test_exchange_without_consent_is_403(
    simulator: Simulator, portal: FakePortal, company: str, breaches: Breaches
) -> None:
    simulator.control.add_company(company)
    assert exchange(simulator, company, f"ours-{company}").status_code == 403
    assert exchange(simulator, "nobody", f"ours-{company}-2").status_code == 403
    assert breaches() == []


def test_exchange_without_a_configuration_is_404(fresh: Simulator) -> None:
    fresh.start()
    fresh.control.grant_consent("northwind")
    assert exchange(fresh, "northwind", "ours").status_code == 404
    assert fresh.control.list_breaches() == []


def test_second_exchange_of_a_connected_company_is_409(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    exchange(simulator, willing, f"ours-{willing}")
    assert exchange(simulator, willing, f"ours-{willing}").status_code == 409
    assert exchange(simulator, willing, f"ours-{willing}-2").status_code == 409
    assert breaches() == []


def test_client_id_of_another_company_is_a_breach(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    exchange(simulator, willing, f"ours-{willing}")
    simulator.control.add_company(f"{willing}-b")
    simulator.control.grant_consent(f"{willing}-b")
    assert exchange(simulator, f"{willing}-b", f"ours-{willing}").status_code == 400
    assert breaches() == ["client id used twice"]


def test_client_id_with_another_secret_is_a_breach(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    exchange(simulator, willing, f"ours-{willing}")
    assert exchange(simulator, willing, f"ours-{willing}", "another").status_code == 400
    assert breaches() == ["client id used twice"]


def test_client_id_for_a_reconnect_is_a_breach(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    exchange(simulator, willing, f"ours-{willing}")
    assert simulator.control.disconnect_company(willing) == 204
    simulator.control.grant_consent(willing)
    assert exchange(simulator, willing, f"ours-{willing}").status_code == 400
    assert breaches() == ["client id used twice"]
    assert exchange(simulator, willing, f"ours-{willing}-2").status_code == 200


def test_failed_exchange_may_be_repeated(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    simulator.control.set_fault("status", status=503, route="integration", company=willing, count=1)
    assert exchange(simulator, willing, f"ours-{willing}").status_code == 503
    simulator.control.grant_consent(willing)
    assert exchange(simulator, willing, f"ours-{willing}").status_code == 200
    assert breaches() == []


def test_lost_response_leaves_409(simulator: Simulator, willing: str, breaches: Breaches) -> None:
    simulator.control.set_fault("drop", after_effect=True, route="integration", company=willing, count=1)
    with pytest.raises(requests.ConnectionError):
        exchange(simulator, willing, f"ours-{willing}")
    assert simulator.control.get_company(willing)["connected"]
    simulator.control.grant_consent(willing)
    assert exchange(simulator, willing, f"ours-{willing}").status_code == 409
    assert breaches() == []


@pytest.mark.parametrize(
    "body",
    [{}, {"clientId": "a"}, {"clientId": "a", "clientSecret": "b", "x": 1}, {"clientId": "", "clientSecret": "b"},
     {"clientId": 1, "clientSecret": "b"}, ["a", "b"]],
)  # fmt: skip
def test_exchange_with_another_body_is_refused(
    simulator: Simulator, willing: str, breaches: Breaches, body: Any
) -> None:
    answer = simulator.master_caller().call("POST", f"{API}/integration/company/{willing}", json=body)
    assert (answer.status_code, breaches()) == (400, ["malformed credentials"])


def test_exchange_needs_the_master_token(customer: Caller, company: str, breaches: Breaches) -> None:
    answer = customer.call("POST", f"{API}/integration/company/{company}", json={})
    assert (answer.status_code, breaches()) == (403, ["token without the scope"])
