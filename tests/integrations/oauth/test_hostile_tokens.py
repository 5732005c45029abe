"""Tokens and credentials in the wrong place, of the wrong kind, or expired (tests/reliability/README.md, T rows)."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.test import APIClient

from integrations import tasks
from integrations.connections import lifecycle
from integrations.models import Client, ConnectAttempt, Connection, PartnerConfiguration, User
from tests import rows
from tests.conftest import Api
from tests.integrations.oauth.test_token import FORM, ask, basic, credentials
from tests.orders.bodies import INLINE_ORDERS, ORDERS, order_body, place_order

pytestmark = pytest.mark.django_db
PACKAGES = "/smartrecruiters/packages"
TAKEN = (ORDERS, INLINE_ORDERS)


@pytest.fixture
def pair(connection: Connection) -> tuple[str, str]:
    client, secret = rows.make_client(connection)
    return client.client_id, secret


def test_wrong_pair_by_basic_is_challenged_as_by_the_form(pair: tuple[str, str]) -> None:
    answers = [
        ask("grant_type=client_credentials", HTTP_AUTHORIZATION=basic(*wrong))
        for wrong in ((pair[0], "wrong"), ("unknown", pair[1]), ("", ""), (pair[0], pair[1] + "\0"))
    ]
    said = {(answer.status_code, answer.content, str(sorted(answer.headers.items()))) for answer in answers}
    assert len(said) == 1
    assert (answers[0].status_code, answers[0]["WWW-Authenticate"]) == (401, 'Basic realm="token"')


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic", "Basic " + "x" * 9000, "Digest x", "Basic ////", "basic 8J+Y"]
)
def test_header_that_is_no_credential_is_401_or_400(db: None, header: str) -> None:
    answer = ask("grant_type=client_credentials", HTTP_AUTHORIZATION=header)
    assert answer.status_code in (400, 401)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ("&client_id={id}", 200, None),
        ("&client_id=another", 400, "invalid_request"),
        ("&client_id=", 400, "invalid_request"),
        ("&client_id={id}&client_secret={secret}", 400, "invalid_request"),
        ("&client_secret=", 400, "invalid_request"),
    ],
)
def test_header_and_form_may_not_name_two_clients(
    pair: tuple[str, str], form: str, status: int, error: str | None
) -> None:
    sent = "grant_type=client_credentials" + form.format(id=pair[0], secret=pair[1])
    answer = ask(sent, HTTP_AUTHORIZATION=basic(*pair))
    assert (answer.status_code, answer.json().get("error")) == (status, error)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FORM, 200),
        (f"{FORM}; charset=UTF-8", 200),
        (f"{FORM}; charset=klingon", 400),
        (f"{FORM}; charset=utf-16", 400),
        ("multipart/form-data; boundary=x", 400),
        ("application/json", 400),
        ("text/plain", 400),
        ("", 400),
    ],
)
def test_only_a_form_in_utf_8_is_taken(pair: tuple[str, str], kind: str, status: int) -> None:
    answer = Browser().generic("POST", "/oauth/token", credentials(pair), content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")


@pytest.mark.parametrize("scope", ["%00", "admin", "packages+orders+admin", "*", "vendor", "packages_view%09vendor"])
def test_scope_never_widens(pair: tuple[str, str], scope: str) -> None:
    answer = ask(credentials(pair, scope=scope))
    assert (answer.status_code, "access_token" in answer.json()) == (400, False)


@pytest.mark.parametrize(
    "path",
    [
        "/o/applications/register/", "/o/applications/", "/o/authorize/", "/o/token/", "/o/device-authorization/",
        "/oauth/authorize", "/oauth/applications/register/", "/oauth/revoke", "/oauth/revoke_token/",
        "/oauth/introspect", "/oauth/device", "/oauth/userinfo", "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server", "/oauth/.well-known/jwks.json", "/api/oauth/token",
    ],
)  # fmt: skip
def test_nothing_of_the_toolkit_but_the_token_is_served_to_anybody(
    client: Browser, alice: User, token: str, path: str
) -> None:
    client.force_login(alice)
    answers = [
        client.get(path),
        client.post(path, {"name": "mine"}),
        client.get(path, HTTP_AUTHORIZATION=f"Bearer {token}"),
    ]
    assert {answer.status_code for answer in answers} <= {404, 405}
    assert Client.objects.count() == 1


def test_token_in_the_address_or_the_body_counts_for_nothing(api: Api, token: str) -> None:
    rows.make_package()
    assert api().get(f"{PACKAGES}?access_token={token}").status_code == 401
    form = Browser().generic("POST", ORDERS, f"access_token={token}", content_type=FORM)
    assert form.status_code == 401
    assert api().post(ORDERS, order_body() | {"access_token": token}).status_code == 401


def test_token_said_twice_is_400(api: Api, token: str, other_token: str) -> None:
    for second in (token, other_token, ""):
        answer = api(token).get(f"{PACKAGES}?access_token={second}")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid_request")


def test_secret_of_another_kind_is_no_token(
    api: Api, connection: Connection, alice: User, pair: tuple[str, str]
) -> None:
    rows.make_package()
    order = place_order(connection)
    browser = Browser()
    browser.force_login(alice)
    session = browser.cookies["session"].value
    kinds = [order.link_token, PartnerConfiguration.load().disable_key, session, *pair, connection.their_client_secret]
    for kind in kinds:
        for path in (PACKAGES, "/api/vendor/v1/orders"):
            assert api(kind).get(path).status_code == 401


def test_remembered_token_is_dead_half_a_second_after_the_disable(api: Api, connection: Connection, token: str) -> None:
    client = api(token)
    assert client.get(PACKAGES).status_code == 204
    lifecycle.disable_connection(connection)
    began = time.monotonic()
    while client.get(PACKAGES).status_code != 401:
        assert time.monotonic() - began < 1
        time.sleep(0.02)
    assert [client.get(f"{PACKAGES}/x").status_code, *(client.post(path).status_code for path in TAKEN)] == [401] * 3


def test_pair_before_a_reconnect_is_dead_when_the_new_one_is_live(
    api: Api, connection: Connection, alice: User
) -> None:
    former, secret = rows.make_client(connection)
    token = ask(credentials((former.client_id, secret))).json()["access_token"]
    newer, newer_secret = rows.make_client(connection)
    connection.state = "exchanging"
    connection.save()
    attempt = ConnectAttempt(connection=connection, client=newer, client_id_sent=newer.client_id)
    attempt.client_secret = newer_secret
    attempt.save()
    lifecycle.activate_connection(attempt, "theirs", "their-secret")
    assert api(token).get(PACKAGES).status_code == 401
    assert ask(credentials((former.client_id, secret))).status_code == 401
    assert ask(credentials((newer.client_id, newer_secret))).status_code == 200


def test_expired_tokens_are_cleared_and_others_stay(token: str, other_token: str) -> None:
    tokens = get_access_token_model().objects
    tokens.filter(pk=tokens.order_by("pk")[0].pk).update(expires=timezone.now() - timedelta(seconds=1))
    tasks.clear_expired()
    assert tokens.count() == 1


class TestClearText:
    """T34: a portal at https behind a proxy that forwards the scheme."""

    @pytest.fixture(autouse=True)
    def _at_https(self, settings: Any) -> None:
        settings.IS_HTTPS, settings.TRUSTED_PROXIES = True, ["127.0.0.0/8"]
        settings.PUBLIC_URL = "https://portal.vendor.example"

    def in_clear(self, method: str, path: str, **extra: Any) -> Any:
        return APIClient().generic(method, path, HTTP_X_FORWARDED_PROTO="http", **extra)

    @pytest.mark.parametrize("path", ["/oauth/token", PACKAGES, ORDERS, "/api/vendor/v1/orders", "/accounts/login/"])
    def test_post_is_refused_and_not_redirected(self, db: None, path: str) -> None:
        answer = self.in_clear("POST", path)
        assert (answer.status_code, answer.has_header("Location")) == (403, False)

    @pytest.mark.parametrize("path", ["/oauth/token?client_secret=x", PACKAGES, "/api/vendor/v1/orders"])
    def test_read_of_a_program_is_refused_and_not_redirected(self, db: None, path: str) -> None:
        answer = self.in_clear("GET", path)
        assert (answer.status_code, answer.has_header("Location")) == (403, False)

    def test_page_leads_to_https(self, db: None) -> None:
        assert self.in_clear("GET", "/accounts/login/")["Location"] == "https://portal.vendor.example/accounts/login/"

    def test_health_is_told_in_clear(self, db: None) -> None:
        assert self.in_clear("GET", "/healthz").status_code == 200

    def test_word_of_a_stranger_counts_for_nothing(self, db: None, settings: Any) -> None:
        settings.TRUSTED_PROXIES = []
        assert self.in_clear("GET", "/accounts/login/").status_code == 200
