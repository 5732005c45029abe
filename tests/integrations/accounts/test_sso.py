"""Single sign-on with an identity provider that runs in its own process."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client as Browser

from integrations.http import client as http_client
from integrations.models import AuditEntry, Connection, Customer, User
from tests import rows
from tests.integrations.outbox.peer import Answer, Peer, run_peer
from tests.integrations.simulator.process import free_port

pytestmark = pytest.mark.django_db
BEGIN = "/accounts/oidc/vendor/login/"
BACK = f"{BEGIN}callback/"
PEOPLE = [
    {"sub": "1", "email": "stella@vendor.example", "email_verified": True, "name": "Stella"},
    {"sub": "2", "email": "Alice@Northwind.example", "email_verified": True},
    {"sub": "3", "email": "alice@northwind.example", "email_verified": False},
    {"sub": "4", "email": "alice@northwind.example", "email_verified": "true"},
    {"sub": "5", "email": "nobody@vendor.example", "email_verified": True, "name": "Nobody"},
    {"sub": "6", "email": "alice@northwind.example", "email_verified": True},
    {"sub": "7"},
]


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    port = free_port()
    people = [part for person in PEOPLE for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *people]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=1)
            break
        except requests.ConnectionError:
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def identity(provider: str, settings: Any) -> str:
    settings.OIDC_ISSUER = provider
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "portal", "a secret of the portal"
    settings.OIDC_NAME = "Vendor account"
    return provider


def asked(browser: Browser, **query: str) -> str:
    """Return the provider's login URL."""
    answer = browser.get(BEGIN, query)
    assert answer.status_code == 302
    return str(answer["Location"])


def way_back(url: str, sub: str) -> str:
    """Log in at the provider as this person and return the redirect."""
    answer = requests.post(url, data={"sub": sub}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in(browser: Browser, sub: str, **query: str) -> Any:
    return browser.get(way_back(asked(browser, **query), sub))


def test_provider_is_offered_where_there_is_one(client: Browser, identity: str, settings: Any) -> None:
    page = text(client.get("/accounts/login/?next=/orders"))
    assert 'href="/accounts/oidc/vendor/login/?next=%2Forders">Sign in with Vendor account</a>' in page
    framed = text(client.get("/accounts/login/", headers={"Sec-Fetch-Dest": "iframe"}))
    settings.OIDC_ISSUER = ""
    assert ["Vendor account" in each for each in (framed, text(client.get("/accounts/login/")))] == [False, False]
    assert [client.get(url).status_code for url in (BEGIN, BACK)] == [404, 404]


@pytest.mark.parametrize(("sub", "who", "place"), [("1", "staff", "/admin/"), ("2", "alice", "/")])
def test_known_people_come_in(
    client: Browser, identity: str, request: pytest.FixtureRequest, sub: str, who: str, place: str
) -> None:
    person = request.getfixturevalue(who)
    assert sign_in(client, sub)["Location"] == place
    assert client.get(place).status_code == 200
    account = SocialAccount.objects.get()
    assert (account.user, account.provider, account.uid, account.extra_data) == (person, "vendor", sub, {})
    person.refresh_from_db()
    assert person.check_password(rows.PASSWORD)
    found = AuditEntry.objects.filter(action__startswith="sign_in.").order_by("pk")
    assert [(each.action, each.actor, each.subject, each.detail.get("method")) for each in found] == [
        ("sign_in.provider_linked", person, str(person.pk), None),
        ("sign_in.succeeded", person, str(person.pk), "identity provider"),
    ]


def test_way_leads_on_to_what_was_wanted(client: Browser, identity: str, alice: User) -> None:
    assert sign_in(client, "2", next="/orders")["Location"] == "/orders"
    assert sign_in(Browser(), "2", next="https://evil.example/")["Location"] == "/"


def test_request_carries_state_and_proof_and_nothing_of_the_address(client: Browser, identity: str) -> None:
    url = asked(client, scope="everything", auth_params="prompt=none", process="connect")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert set(query) == {
        *("client_id", "redirect_uri", "scope", "response_type", "state"),
        *("code_challenge", "code_challenge_method"),
    }
    assert (set(query["scope"].split()), query["code_challenge_method"]) == ({"openid", "profile", "email"}, "S256")
    assert query["redirect_uri"] == f"http://testserver{BACK}"


@pytest.mark.parametrize("sub", ["3", "4", "5", "7"])
def test_others_do_not_come_in(client: Browser, identity: str, alice: User, sub: str) -> None:
    answer = sign_in(client, sub)
    assert (answer.status_code, "You have no account here" in text(answer)) == (403, True)
    assert client.get("/").status_code == 302
    assert (SocialAccount.objects.count(), User.objects.count()) == (0, 1)
    assert AuditEntry.objects.get(action="sign_in.not_known").subject == sub


def test_who_inherits_an_address_inherits_no_account(client: Browser, identity: str, alice: User) -> None:
    sign_in(client, "2")
    other = Browser()
    assert sign_in(other, "6").status_code == 403
    assert other.get("/").status_code == 302


def test_id_there_counts_and_the_address_no_more(client: Browser, identity: str, alice: User) -> None:
    sign_in(client, "2")
    User.objects.filter(pk=alice.pk).update(email="alice@married.example")
    again = Browser()
    assert sign_in(again, "2")["Location"] == "/"
    assert "alice@married.example" in text(again.get("/"))


@pytest.mark.parametrize("switched_off", ["user", "customer"])
def test_who_is_switched_off_does_not_come_in(client: Browser, identity: str, alice: User, switched_off: str) -> None:
    (User if switched_off == "user" else Customer).objects.update(is_active=False)
    assert sign_in(client, "2")["Location"] == "/accounts/inactive/"
    assert client.get("/").status_code == 302


def test_staff_are_made_only_where_a_setting_says_so(client: Browser, identity: str, settings: Any) -> None:
    settings.OIDC_STAFF_ROLE = "viewer"
    assert sign_in(client, "5")["Location"] == "/admin/"
    person = User.objects.get(email="nobody@vendor.example")
    assert (person.staff_role, person.name, person.has_usable_password()) == ("viewer", "Nobody", False)
    assert client.get("/admin/integrations/user/add/").status_code == 403


def test_second_factor_is_wanted_unless_the_provider_asks_for_it(
    client: Browser, identity: str, staff: User, settings: Any
) -> None:
    settings.STAFF_MFA = "required"
    sign_in(client, "1")
    assert client.get("/admin/")["Location"] == "/accounts/2fa/"
    settings.OIDC_SECOND_FACTOR = True
    assert client.get("/admin/").status_code == 200
    by_password = Browser()
    by_password.post("/accounts/login/", {"login": staff.email, "password": rows.PASSWORD})
    assert by_password.get("/admin/")["Location"] == "/accounts/2fa/"


def test_answer_for_another_browser_is_refused(client: Browser, identity: str, alice: User) -> None:
    back = way_back(asked(client), "2")
    stranger = Browser()
    assert "did not sign you in" in text(stranger.get(back))
    assert stranger.get("/").status_code == 302
    assert client.get(back)["Location"] == "/"
    assert Browser().get(back).status_code != 302


def test_refusal_there_is_a_page_here(client: Browser, identity: str) -> None:
    state = parse_qs(urlsplit(asked(client)).query)["state"][0]
    answer = client.get(BACK, {"error": "access_denied", "state": state}, follow=True)
    assert "You are not signed in" in text(answer)


def test_identity_is_not_joined_to_whoever_is_signed_in(client: Browser, identity: str, alice: User) -> None:
    client.force_login(alice)
    assert sign_in(client, "5", process="connect").status_code == 403
    assert not SocialAccount.objects.exists()


def test_provider_in_the_database_counts_for_nothing(client: Browser, identity: str, settings: Any) -> None:
    SocialApp.objects.create(provider="openid_connect", provider_id="evil", name="Evil", client_id="x", secret="x")
    urls = ("/accounts/oidc/evil/login/", "/accounts/3rdparty/", "/accounts/3rdparty/signup/")
    assert [client.get(url).status_code for url in urls] == [404, 404, 404]


# Re-authentication

CONFIRM = "/accounts/oidc/vendor/confirm/"
GRAVE = "/connections/northwind/disconnect"


@pytest.fixture
def without_password(identity: str, connection: Connection, alice: User) -> User:
    """Return Alice, who can only sign in with the provider."""
    alice.set_unusable_password()
    alice.save()
    return alice


def ask_again(browser: Browser, **query: str) -> str:
    """Follow the interruption of a grave action to the provider."""
    answer = browser.get(GRAVE)
    assert answer["Location"] == f"{CONFIRM}?{urlencode({'next': GRAVE})}"
    return str(browser.get(answer["Location"])["Location"])


def test_sign_in_by_the_provider_alone_is_no_proof(client: Browser, without_password: User) -> None:
    """Because the provider may have signed the person in without a question."""
    sign_in(client, "2")
    query = parse_qs(urlsplit(ask_again(client)).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert client.get(GRAVE).status_code == 302


def test_provider_that_asked_again_is_a_proof(client: Browser, without_password: User) -> None:
    sign_in(client, "2")
    assert client.get(way_back(ask_again(client), "2"))["Location"] == GRAVE
    assert client.get(GRAVE).status_code == 200


def test_form_is_sent_on_after_the_provider_asked(
    client: Browser, without_password: User, connection: Connection
) -> None:
    sign_in(client, "2")
    asked = client.post(GRAVE, follow=False)
    at_provider = client.get(client.get(asked["Location"])["Location"])["Location"]
    assert client.get(way_back(at_provider, "2"))["Location"] == "/"
    connection.refresh_from_db()
    assert connection.state == "disabled"


@pytest.mark.parametrize("sub", ["1", "5", "6"])
def test_proof_of_another_person_is_none(client: Browser, without_password: User, staff: User, sub: str) -> None:
    sign_in(client, "2")
    sign_in(Browser(), "1")
    assert client.get(way_back(ask_again(client), sub)).status_code == 403
    assert client.get(GRAVE).status_code == 302
    assert client.get("/").status_code == 200


def test_page_is_for_people_of_the_provider(client: Browser, identity: str, alice: User) -> None:
    assert client.get(CONFIRM).status_code == 404
    client.force_login(alice)
    assert client.get(CONFIRM).status_code == 404


def test_way_of_the_provider_stands_beside_the_password(client: Browser, identity: str, alice: User) -> None:
    sign_in(client, "2")
    page = text(client.get("/accounts/2fa/totp/activate/", follow=True))
    assert ('name="password"' in page, "Sign in with Vendor account again" in page) == (True, True)


def test_password_is_not_set_by_an_open_session_alone(client: Browser, without_password: User) -> None:
    sign_in(client, "2")
    form = {"password1": "a horse of another colour", "password2": "a horse of another colour"}
    assert client.post("/accounts/password/set/", form)["Location"].startswith("/accounts/reauthenticate/")
    without_password.refresh_from_db()
    assert not without_password.has_usable_password()


# A provider that does not do as it should


WELL_KNOWN = "/.well-known/openid-configuration"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.OIDC_ISSUER = peer.url
        settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = "portal", "secret"
        yield peer


KEY, OTHER_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
KEYS = {"keys": [{**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())), "kid": "1", "alg": "ES256"}]}


def sign(claims: dict[str, object], key: Any = KEY, algorithm: str = "ES256", kid: str = "1") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})


def document(peer: Peer, **changes: str) -> Answer:
    ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "userinfo_endpoint": "/userinfo"}
    urls = {name: f"{peer.url}{path}" for name, path in {**ends, "jwks_uri": "/jwks"}.items()}
    return Answer(body={"issuer": peer.url, **urls, **changes})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(302, headers={"Location": "http://127.0.0.1:9/"}),
        Answer(body=b"<html>"),
        Answer(body=[]),
        Answer(body={}),
        Answer(body=b"[" + b" " * 70_000 + b"]"),
        Answer(breaks_off=True),
    ],
)
def test_provider_that_answers_amiss_gets_a_page(client: Browser, peer: Peer, answer: Answer) -> None:
    peer.script = {WELL_KNOWN: [answer]}
    page = client.get(BEGIN)
    assert (page.status_code, "did not sign you in" in text(page)) == (502, True)
    assert peer.received_paths() == [WELL_KNOWN]


def test_provider_that_is_down_gets_a_page(client: Browser, peer: Peer, settings: Any) -> None:
    settings.OIDC_ISSUER = f"http://127.0.0.1:{free_port()}"
    assert client.get(BEGIN).status_code == 502


def test_document_of_another_issuer_is_not_taken(client: Browser, peer: Peer) -> None:
    peer.script = {WELL_KNOWN: [document(peer), document(peer, issuer="https://login.evil.example")]}
    state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
    answer = client.get(BACK, {"code": "x", "state": state})
    assert "did not sign you in" in text(answer)
    assert peer.received_paths() == [WELL_KNOWN, WELL_KNOWN]


@pytest.mark.parametrize("token", [{}, {"access_token": "x"}, {"access_token": "x", "id_token": "no.token.at all"}])
def test_token_that_says_nothing_lets_nobody_in(
    client: Browser, peer: Peer, alice: User, token: dict[str, str]
) -> None:
    peer.answer = lambda received: {
        WELL_KNOWN: document(peer),
        "/token": Answer(body=token, headers=JSON_TYPE),
        "/userinfo": Answer(body=PEOPLE[1]),
    }[received.path]
    state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
    assert "did not sign you in" in text(client.get(BACK, {"code": "x", "state": state}))
    assert client.get("/").status_code == 302


def test_door_for_the_provider_wants_tls_and_follows_nothing(peer: Peer) -> None:
    with pytest.raises(http_client.PROVIDER_ERRORS, match="must begin with https"):
        http_client.GuardedSession(is_http_allowed=False).get(peer.url)
    peer.script = {"/": [Answer(307, headers={"Location": f"{peer.url}/other"})]}
    with pytest.raises(http_client.PROVIDER_ERRORS, match="not followed"):
        http_client.GuardedSession(is_http_allowed=True).post(f"{peer.url}/", data={"client_secret": "x"})
    assert peer.received_paths() == ["/"]


def serve_token(peer: Peer, id_token: str, keys: dict[str, Any] = KEYS) -> None:
    peer.answer = lambda received: {
        WELL_KNOWN: document(peer),
        "/token": Answer(body={"access_token": "x", "id_token": id_token}, headers=JSON_TYPE),
        "/userinfo": Answer(body=PEOPLE[1]),
        "/jwks": Answer(body=keys),
    }[received.path]


def sign_in_with(peer: Peer, browser: Browser, id_token: str, keys: dict[str, Any] = KEYS) -> Any:
    serve_token(peer, id_token, keys)
    state = parse_qs(urlsplit(browser.get(BEGIN)["Location"]).query)["state"][0]
    return browser.get(BACK, {"code": "x", "state": state})


def make_claims(peer: Peer, **claims: object) -> dict[str, object]:
    now = int(time.time())
    return {"iss": peer.url, "aud": "portal", "sub": "2", "iat": now, "exp": now + 60, **claims}


@pytest.mark.parametrize("headers", [{"kid": "1"}, {}], ids=["named key", "only key"])
def test_token_with_a_good_signature_signs_in(
    client: Browser, peer: Peer, alice: User, headers: dict[str, str]
) -> None:
    token = jwt.encode(make_claims(peer), KEY, "ES256", headers=headers)
    assert sign_in_with(peer, client, token)["Location"] == "/"


def test_token_without_the_name_of_one_of_two_keys_lets_nobody_in(client: Browser, peer: Peer, alice: User) -> None:
    two_keys = {"keys": [*KEYS["keys"], {**KEYS["keys"][0], "kid": "2"}]}
    answer = sign_in_with(peer, client, jwt.encode(make_claims(peer), KEY, "ES256"), two_keys)
    assert "did not sign you in" in text(answer)


FORGED_TOKENS: dict[str, Callable[[dict[str, object]], str]] = {
    "other key": lambda claims: sign(claims, OTHER_KEY),
    "unknown key": lambda claims: sign(claims, kid="2"),
    "unsigned": lambda claims: jwt.encode(claims, "", "none", headers={"kid": "1"}),
    "signed by the client’s secret": lambda claims: sign(claims, "secret" * 8, "HS256"),
    "changed": lambda claims: ".".join(
        [sign(claims).split(".")[0], *sign({**claims, "sub": "3"}).split(".")[1:2], "AA"]
    ),
    "for another client": lambda claims: sign({**claims, "aud": "another"}),
    "of another issuer": lambda claims: sign({**claims, "iss": "https://login.evil.example"}),
    "over": lambda claims: sign({**claims, "exp": int(time.time()) - 1}),
    "not valid yet": lambda claims: sign({**claims, "nbf": int(time.time()) + 600}),
}


@pytest.mark.parametrize("forged", FORGED_TOKENS)
def test_forged_token_lets_nobody_in(client: Browser, peer: Peer, alice: User, forged: str) -> None:
    answer = sign_in_with(peer, client, FORGED_TOKENS[forged](make_claims(peer)))
    assert "did not sign you in" in text(answer)
    assert (client.get("/").status_code, SocialAccount.objects.count()) == (302, 0)


@pytest.mark.parametrize(
    ("site", "leads_to_the_provider"),
    [("cross-site", False), ("same-site", False), ("same-origin", True), ("none", True), (None, True)],
)
def test_another_site_does_not_sign_in(
    client: Browser, identity: str, site: str | None, leads_to_the_provider: bool
) -> None:
    answer = client.get(BEGIN, headers={"Sec-Fetch-Site": site} if site else {})
    assert answer.status_code == 302
    assert answer["Location"].startswith(identity) == leads_to_the_provider
    assert leads_to_the_provider or answer["Location"] == "/accounts/login/"


def confirm_at(peer: Peer, browser: Browser, user: User, **claims: object) -> Any:
    """Let a scripted provider confirm the signed-in user, with these claims in its ID token."""
    SocialAccount.objects.create(user=user, provider="vendor", uid="2")
    serve_token(peer, sign(make_claims(peer, **claims)))
    browser.force_login(user)
    state = parse_qs(urlsplit(browser.get(CONFIRM, {"next": "/people"})["Location"]).query)["state"][0]
    return browser.get(BACK, {"code": "x", "state": state})


@pytest.mark.parametrize(
    ("asked_before", "answer"), [(0, 302), (100, 302), (-30, 302), (150, 403), (3600, 403), (86400, 403)]
)
def test_provider_must_have_asked_just_now(
    client: Browser, peer: Peer, alice: User, asked_before: int, answer: int
) -> None:
    assert confirm_at(peer, client, alice, auth_time=int(time.time()) - asked_before).status_code == answer


def test_provider_that_does_not_say_when_it_asked_is_believed(client: Browser, peer: Peer, alice: User) -> None:
    assert confirm_at(peer, client, alice)["Location"] == "/people"


@pytest.mark.parametrize("auth_time", ["yesterday", None, [1], {}])
def test_time_that_is_none_confirms_nothing(client: Browser, peer: Peer, alice: User, auth_time: object) -> None:
    assert confirm_at(peer, client, alice, auth_time=auth_time).status_code == 502
