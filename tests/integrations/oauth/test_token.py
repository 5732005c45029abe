"""The token endpoint: RFC 6749, sections 2.3.1, 4.4 and 5, and no other grants."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations.models import Client, Connection, ConnectionState
from tests import rows

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def pair(connection: Connection) -> tuple[str, str]:
    client, secret = rows.make_client(connection)
    return client.client_id, secret


def ask(body: str, browser: Browser | None = None, content_type: str = FORM, **headers: str) -> Any:
    return (browser or Browser()).post("/oauth/token", body, content_type=content_type, **headers)


def credentials(pair: tuple[str, str], **more: str) -> str:
    fields = {"grant_type": "client_credentials", "client_id": pair[0], "client_secret": pair[1], **more}
    return "&".join(f"{name}={value}" for name, value in fields.items())


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_token_for_a_pair_in_the_form_has_all_scopes_without_asking(pair: tuple[str, str]) -> None:
    answer = ask(credentials(pair))
    body = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert body == {
        "access_token": body["access_token"],
        "expires_in": 1800,
        "token_type": "Bearer",
        "scope": "packages_view orders_modify",
    }


def test_token_for_a_pair_by_basic(pair: tuple[str, str]) -> None:
    assert ask("grant_type=client_credentials", HTTP_AUTHORIZATION=basic(*pair)).status_code == 200


def test_engine_gets_the_vendor_scope_and_no_other(db: None) -> None:
    client, secret = rows.make_client()
    assert ask(credentials((client.client_id, secret))).json()["scope"] == "vendor"
    assert ask(credentials((client.client_id, secret), scope="packages_view")).json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("packages_view", "packages_view"),
        ("orders_manage", "orders_modify"),
        ("packages_view orders_manage", "packages_view orders_modify"),
        ("", "packages_view orders_modify"),
        (" ", "packages_view orders_modify"),
        ("packages_view packages_view  packages_view", "packages_view"),
        ("orders_manage orders_modify", "orders_modify"),
    ],
)
def test_narrower_scope_and_the_other_name_of_orders_modify_are_understood(
    pair: tuple[str, str], asked: str, granted: str
) -> None:
    assert ask(credentials(pair, scope=asked.replace(" ", "+"))).json()["scope"] == granted


@pytest.mark.parametrize("scope", ["vendor", "admin", "packages_view+admin", "x" * 4000])
def test_scope_that_the_client_lacks_is_refused(pair: tuple[str, str], scope: str) -> None:
    answer = ask(credentials(pair, scope=scope))
    description = "This client has the scopes packages_view orders_modify: send some of them, or no scope for all."
    assert (answer.status_code, answer.json()) == (
        *(400, {"error": "invalid_scope", "error_description": description}),
    )


def test_token_is_stored_as_a_hash_only(pair: tuple[str, str]) -> None:
    token = ask(credentials(pair)).json()["access_token"]
    assert token not in str(list(get_access_token_model().objects.values()))
    assert pair[1] not in str(list(Client.objects.values()))


@pytest.mark.parametrize(
    "wrong",
    [
        ("{id}", "wrong"),
        ("unknown", "{secret}"),
        ("{id}", "{secret}%00"),
        ("{id}%00", "{secret}"),
        ("{id}", ""),
        ("", ""),
        ("{id}", "x" * 600),
    ],
)
def test_wrong_pair_is_one_answer_byte_for_byte(pair: tuple[str, str], wrong: tuple[str, str]) -> None:
    answers = [
        ask(credentials(("unknown", "wrong"))),
        ask(credentials((wrong[0].format(id=pair[0]), wrong[1].format(secret=pair[1])))),
    ]
    if "%00" not in "".join(wrong):
        assert answers[0].content == answers[1].content
        assert answers[1].status_code == 401
        assert answers[1]["WWW-Authenticate"] == 'Basic realm="token"'
    assert answers[1].status_code in (400, 401)


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit", "x", ""])
def test_other_grants_are_unsupported_whoever_asks(pair: tuple[str, str], grant: str) -> None:
    right = credentials(pair, grant_type=grant, username="alice", password="right")
    wrong = credentials(("nobody", "x"), grant_type=grant, username="alice", password="wrong")
    assert ask(right).content == ask(wrong).content
    assert ask(right).json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        ('{"grant_type": "client_credentials"}', "application/json", 400),
        ("grant_type=client_credentials", "text/plain", 400),
        ("grant_type=%ff", FORM, 400),
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, 400),
        ("client_id=a", FORM, 400),
        ("", FORM, 400),
        ("a=" + "x" * 9000, FORM, 413),
        ("&".join(f"a{n}=1" for n in range(30)), FORM, 400),
    ],
)
def test_malformed_request_is_refused(db: None, body: str, content_type: str, status: int) -> None:
    answer = ask(body, content_type=content_type)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request")


def test_parameters_in_the_address_are_refused(pair: tuple[str, str]) -> None:
    answer = Browser().post(f"/oauth/token?{credentials(pair)}", "", content_type=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_two_ways_to_authenticate_at_once_are_refused(pair: tuple[str, str]) -> None:
    answer = ask(credentials(pair), HTTP_AUTHORIZATION=basic(*pair))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options", "patch"])
def test_only_post_is_taken(db: None, method: str) -> None:
    answer = getattr(Browser(), method)("/oauth/token")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_no_answer_may_be_cached(pair: tuple[str, str]) -> None:
    answers = [ask(credentials(pair)), ask(credentials(("x", "y"))), ask(""), Browser().get("/oauth/token")]
    assert {(answer["Cache-Control"], answer["Pragma"]) for answer in answers} == {("no-store", "no-cache")}


@pytest.mark.parametrize("state", [ConnectionState.DISABLED, ConnectionState.REFUSED])
def test_connection_that_ended_gets_no_token(connection: Connection, pair: tuple[str, str], state: str) -> None:
    Connection.objects.update(state=state)
    assert ask(credentials(pair)).status_code == 401


def test_revoked_client_gets_no_token(pair: tuple[str, str]) -> None:
    Client.objects.update(revoked_at=timezone.now())
    assert ask(credentials(pair)).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/o/applications/register/", "/oauth/authorize", "/oauth/introspect", "/.well-known/openid-configuration"],
)
def test_nothing_else_of_the_toolkit_is_served(db: None, path: str) -> None:
    assert Browser().get(path).status_code == 404


class TestBearer:
    def test_token_of_the_wrong_kind_is_403_with_the_challenge(self, engine, smartrecruiters) -> None:
        for client, path in (
            (engine, "/smartrecruiters/packages"),
            (smartrecruiters, "/api/vendor/v1/orders"),
        ):
            answer = client.get(path)
            assert answer.status_code == 403
            assert answer["WWW-Authenticate"].startswith('Bearer error="insufficient_scope"')

    @pytest.mark.parametrize("path", ["/smartrecruiters/packages", "/api/vendor/v1/orders", "/api/vendor/v1/nothing"])
    @pytest.mark.parametrize(
        ("header", "challenge"),
        [
            ("", 'Bearer realm="portal"'),
            ("Basic eDp5", 'Bearer realm="portal"'),
            ("Bearer", 'Bearer error="invalid_token"'),
            ("Bearer ", 'Bearer error="invalid_token"'),
            ("Bearer nonsense", 'Bearer error="invalid_token"'),
            ("Bearer " + "x" * 300, 'Bearer error="invalid_token"'),
        ],
    )
    def test_anything_but_a_good_token_is_401(self, api, db: None, header: str, challenge: str, path: str) -> None:
        """RFC 6750, section 3: the scheme is followed by one or more parameters."""
        answer = api().get(path, HTTP_AUTHORIZATION=header)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, challenge)
        assert answer["Content-Type"] == "application/problem+json"

    def test_token_in_the_address_counts_for_nothing(self, api, token: str) -> None:
        assert api().get(f"/smartrecruiters/packages?access_token={token}").status_code == 401

    def test_expired_token_is_refused_at_once_though_remembered(self, api, token: str, time_machine) -> None:
        client = api(token)
        assert client.get("/smartrecruiters/packages").status_code in (200, 204)
        time_machine.move_to(timezone.now() + timedelta(seconds=1801))
        assert client.get("/smartrecruiters/packages").status_code == 401

    def test_signed_in_browser_without_a_token_is_401(self, alice) -> None:
        browser = Browser()
        browser.force_login(alice)
        assert browser.get("/api/vendor/v1/orders").status_code == 401
