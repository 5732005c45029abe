"""Unknown URLs of the APIs."""

import pytest
from django.test import Client as Browser
from rest_framework.test import APIClient

from tests.conftest import Api

NOWHERE = ["/api/vendor/v1", "/api/vendor/v1/", "/api/vendor/v1/nothing", "/api/vendor/v1/orders/x/y/z",
           "/api/vendor/v1/webhooks/a%0ab", "/api/vendor/v1/%2e%2e/admin"]  # fmt: skip
METHODS = ["get", "post", "put", "patch", "delete", "head", "options"]
NOT_FOUND = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "Not found.",
    "errors": [{"code": "not_found", "message": "Not found."}],
}


@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", METHODS)
def test_unknown_address_of_the_engines_api_says_401_before_404(
    api: Api, engine: APIClient, smartrecruiters: APIClient, path: str, method: str
) -> None:
    answers = [getattr(client, method)(path) for client in (api(), api("nonsense"), smartrecruiters, engine)]
    assert [answer.status_code for answer in answers] == [401, 401, 403, 404]
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert answers[0]["WWW-Authenticate"] == 'Bearer realm="portal"'
    if method != "head":
        assert answers[3].json() == NOT_FOUND


@pytest.mark.parametrize("path", ["/nothing", "/integrations", "/integrations/companies/x", "/packages/a/b", "/"])
def test_unknown_address_of_smartrecruiters_is_a_problem(db: None, path: str) -> None:
    answer = Browser().get(f"/smartrecruiters{path}")
    assert (answer.status_code, answer["Content-Type"], answer.json()) == (404, "application/problem+json", NOT_FOUND)


def test_unknown_page_of_the_consent_is_a_page(db: None) -> None:
    answer = Browser().get("/smartrecruiters/integration/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
