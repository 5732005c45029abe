"""Requests whose Host header names no host of the portal."""

import json
from typing import Any

import pytest
from django.test import Client as Browser

from integrations.models import AuditEntry

pytestmark = pytest.mark.django_db
WRONG_HOSTS = ["10.0.0.5", "10.0.0.5:8000", "evil.example", "[fd00::1]:8000", "", "a b", "portal.example,evil.example"]
UNKNOWN_HOST = "The Host header names no host of this portal: use the host of its public URL."
HTTPS_REQUIRED = "This request came over plain HTTP. Use HTTPS, and replace any credentials it contained."
PROBLEM = {
    "type": "about:blank",
    "title": "Bad request",
    "status": 400,
    "detail": UNKNOWN_HOST,
    "errors": [{"code": "bad_request", "message": UNKNOWN_HOST}],
}


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [".vendor.example"]


@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_health_routes_answer_whatever_the_host(client: Browser, settings: Any, host: str) -> None:
    """Load balancers and Kubernetes probe by IP address."""
    settings.METRICS_TOKEN = "letmein"
    answer = client.get("/healthz", HTTP_HOST=host)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    ready = client.get("/readyz", HTTP_HOST=host)
    assert (ready.status_code, ready.json()["status"] in ("ok", "degraded")) == (200, True)
    metrics = client.get("/metrics", HTTP_HOST=host, HTTP_AUTHORIZATION="Bearer letmein")
    assert (metrics.status_code, b"portal_orders" in metrics.content) == (200, True)
    assert client.get("/metrics", HTTP_HOST=host).status_code == 401


@pytest.mark.parametrize("host", WRONG_HOSTS)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/"])
def test_token_call_to_another_host_is_refused_as_rfc_6749_says(client: Browser, path: str, host: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
    answer = client.post(path, form, HTTP_HOST=host)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    assert answer.json() == {"error": "invalid_request", "error_description": UNKNOWN_HOST}
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("host", WRONG_HOSTS)
@pytest.mark.parametrize(
    "path",
    ["/smartrecruiters/packages", "/smartrecruiters/packages/orders", "/api/vendor/v1/orders", "/api/nothing"],
)
def test_api_call_to_another_host_is_a_problem_document(client: Browser, path: str, host: str) -> None:
    answer = client.get(path, HTTP_HOST=host)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert json.loads(answer.content) == PROBLEM


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/", "/smartrecruiters/integration", "/healthz/x"])
def test_page_of_another_host_is_a_page_that_repeats_nothing(client: Browser, path: str) -> None:
    answer = client.get(path, HTTP_HOST="evil.example")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert "evil" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/"])
def test_token_call_over_plain_http_is_refused_as_rfc_6749_says(client: Browser, settings: Any, path: str) -> None:
    settings.IS_HTTPS, settings.TRUSTED_PROXIES = True, ["127.0.0.1"]
    answer = client.post(path, {}, HTTP_HOST="portal.vendor.example", HTTP_X_FORWARDED_PROTO="http")
    assert answer.status_code == 403
    assert answer.json() == {"error": "invalid_request", "error_description": HTTPS_REQUIRED}


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/smartrecruiters/integration", "/take/x"])
def test_form_over_plain_http_is_refused_in_plain_text(client: Browser, settings: Any, path: str) -> None:
    settings.IS_HTTPS, settings.TRUSTED_PROXIES = True, ["127.0.0.1"]
    answer = client.post(path, {}, HTTP_HOST="portal.vendor.example", HTTP_X_FORWARDED_PROTO="http")
    assert (answer.status_code, answer["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert answer.content.decode() == HTTPS_REQUIRED
