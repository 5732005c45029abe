import base64
from collections.abc import Callable

import pytest
import requests

from tests.integrations.simulator.process import API, MASTER, Caller, Simulator

Breaches = Callable[[], list[str]]
FORM = {"grant_type": "client_credentials", "client_id": MASTER[0], "client_secret": MASTER[1]}


def ask(simulator: Simulator, **options: object) -> requests.Response:
    return requests.post(f"{simulator.url}/identity/oauth/token", timeout=5, **options)  # type: ignore[arg-type]


def test_token_lives_as_long_as_the_setting_says(simulator: Simulator, breaches: Breaches) -> None:
    simulator.control.change_settings(token_lifetime=77)
    answer = ask(simulator, data=FORM)
    body = answer.json()
    assert body.pop("access_token")
    assert (answer.status_code, body, breaches()) == (200, {"token_type": "Bearer", "expires_in": 77}, [])


@pytest.mark.parametrize(
    ("change", "status", "breach"),
    [
        ({"client_secret": "wrong"}, 401, []),
        ({"client_id": "unknown"}, 401, []),
        ({"scope": "candidates_read"}, 400, ["token call with another form"]),
        ({"grant_type": "password"}, 400, ["token call with another grant"]),
    ],
)
def test_token_call_that_is_wrong(
    simulator: Simulator, breaches: Breaches, change: dict[str, str], status: int, breach: list[str]
) -> None:
    answer = ask(simulator, data={**FORM, **change})
    assert (answer.status_code, breaches()) == (status, breach)
    assert answer.json()["errors"][0].keys() == {"code", "message"}


def test_token_call_by_json_is_refused(simulator: Simulator, breaches: Breaches) -> None:
    assert (ask(simulator, json=FORM).status_code, breaches()) == (415, ["token not asked by form"])


def test_token_call_by_basic_is_refused(simulator: Simulator, breaches: Breaches) -> None:
    basic = base64.b64encode(":".join(MASTER).encode()).decode()
    answer = ask(simulator, data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"})
    assert (answer.status_code, breaches()) == (400, ["token call with another form"])


def test_call_without_a_token_is_a_breach(simulator: Simulator, breaches: Breaches) -> None:
    answer = requests.get(f"{simulator.url}/jobs/1", timeout=5)
    assert (answer.status_code, breaches()) == (401, ["call without a token"])


def test_call_with_an_expired_token_is_no_breach(
    simulator: Simulator, customer: Caller, company: str, order_id: str, breaches: Breaches
) -> None:
    assert customer.patch_result(order_id, {}).status_code == 200
    simulator.control.expire_tokens(company)
    assert customer.patch_result(order_id, {}).status_code == 401
    customer.token = None
    assert customer.patch_result(order_id, {}).status_code == 200
    assert breaches() == []


def test_token_of_one_company_outlives_the_expiry_of_another(
    simulator: Simulator, customer: Caller, order_id: str, company: str
) -> None:
    customer.patch_result(order_id, {})
    simulator.connect_company(f"{company}-other")
    simulator.control.expire_tokens(f"{company}-other")
    assert customer.patch_result(order_id, {}).status_code == 200


def test_revoked_credential_is_dead_with_its_tokens(
    simulator: Simulator, customer: Caller, order_id: str, company: str
) -> None:
    customer.patch_result(order_id, {})
    simulator.control.revoke_credential(company)
    assert customer.patch_result(order_id, {}).status_code == 401
    assert customer.fetch_token().status_code == 401
    assert simulator.control.get_company(company)["connected"]


def test_every_answer_carries_the_limits(simulator: Simulator, customer: Caller, order_id: str) -> None:
    for answer in (
        customer.patch_result(order_id, {}),
        customer.patch_result(order_id, {"x": 1}),
        ask(simulator, data={}),
    ):
        assert {key: value for key, value in answer.headers.items() if key.startswith("X-RateLimit")}.keys() == {
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Concurrent-Limit",
            "X-RateLimit-Concurrent-Remaining",
        }


def test_path_of_the_api_that_is_unknown_is_404(customer: Caller) -> None:
    assert customer.call("GET", f"{API}/orders").status_code == 404
