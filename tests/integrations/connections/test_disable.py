"""Disable endpoint: DELETE …/integrations/companies/{companyId} (integrations/connections/README.md)."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from integrations.models import AuditEntry, Connection, PartnerConfiguration
from tests import rows

Api = Callable[..., APIClient]
pytestmark = pytest.mark.django_db
PROBLEM = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "Not found.",
    "errors": [{"code": "not_found", "message": "Not found."}],
}


def address(company: str = "northwind", key: str = "") -> str:
    key = key or PartnerConfiguration.load().disable_key
    return f"/smartrecruiters/{key}/integrations/companies/{company}"


def state_of(connection: Connection) -> str:
    connection.refresh_from_db()
    return str(connection.state)


def test_token_that_was_remembered_is_dead_once_the_disable_is_answered(
    api: Api, connection: Connection, token: str
) -> None:
    assert api(token).get("/smartrecruiters/packages").status_code == 204
    assert api().delete(address()).status_code == 204
    assert api(token).get("/smartrecruiters/packages").status_code == 401
    assert api(token).post("/smartrecruiters/packages/orders", {}, "json").status_code == 401


@pytest.mark.parametrize("closing", ["", "/"])
def test_disable_ends_the_connection_and_its_tokens(api: Api, connection: Connection, token: str, closing: str) -> None:
    response = api().delete(address() + closing)
    assert (response.status_code, response.content, state_of(connection)) == (204, b"", "disabled")
    assert api(token).get("/smartrecruiters/packages").status_code == 401


def test_disable_twice_is_the_same(api: Api, connection: Connection) -> None:
    assert [api().delete(address()).status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(("company", "key"), [("northwind", "wrong"), ("nobody", ""), ("northwind", "ä")])
def test_disable_with_a_wrong_key_or_an_unknown_company_is_not_found(
    api: Api, connection: Connection, company: str, key: str
) -> None:
    response = api().delete(address(company, key))
    assert (response.status_code, response.json()) == (404, PROBLEM)
    assert response["Content-Type"] == "application/problem+json"
    assert state_of(connection) == "live"


def test_disable_takes_the_company_s_own_token(api: Api, connection: Connection, token: str) -> None:
    assert api(token).delete(address()).status_code == 204


def test_disable_takes_a_dead_token(api: Api, connection: Connection, token: str) -> None:
    assert api(token).delete(address()).status_code == 204
    assert api(token).delete(address()).status_code == 204
    assert api("long gone").delete(address()).status_code == 204


@pytest.mark.parametrize("whose", ["other_token", "engine_token"])
def test_disable_with_a_token_of_another_is_forbidden(
    api: Api, connection: Connection, request: pytest.FixtureRequest, whose: str
) -> None:
    response = api(request.getfixturevalue(whose)).delete(address())
    assert (response.status_code, response.json()["detail"]) == (403, "The token belongs to another company.")
    assert state_of(connection) == "live"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_disable_is_for_delete_only(api: Api, connection: Connection, method: str) -> None:
    response = getattr(api(), method)(address())
    assert (response.status_code, response["Content-Type"]) == (405, "application/problem+json")
    assert state_of(connection) == "live"


def test_disable_ignores_a_body(api: Api, connection: Connection) -> None:
    assert api().generic("DELETE", address(), "x" * 100_000, "text/plain").status_code == 204


def test_disable_leaves_other_companies_alone(
    api: Api, connection: Connection, other_connection: Connection, other_token: str
) -> None:
    api().delete(address())
    assert state_of(other_connection) == "live"
    assert rows.make_token(other_connection)


def test_refused_disable_is_written_down_once_an_address_and_minute(
    api: Api, connection: Connection, other_token: str
) -> None:
    for _ in range(3):
        assert api().delete(address("northwind", "x" * 22), REMOTE_ADDR="192.0.2.66").status_code == 404
    assert api(other_token).delete(address(), REMOTE_ADDR="192.0.2.7").status_code == 403
    entries = AuditEntry.objects.filter(action="connection.disable_refused").order_by("pk")
    assert [(entry.subject, entry.ip, entry.detail) for entry in entries] == [
        ("northwind", "192.0.2.66", {"why": "wrong key"}),
        ("northwind", "192.0.2.7", {"why": "a token of another company"}),
    ]
