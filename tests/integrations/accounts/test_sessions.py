"""Session timeout, session fixation and cookies (A9, A10, C28 and S16 in tests/reliability/README.md)."""

import hashlib
from http.cookies import SimpleCookie
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.signing import BadSignature
from django.test import Client as Browser

from integrations.models import AuditEntry, User
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in, text

pytestmark = pytest.mark.django_db
START = "2026-11-24T08:00:00Z"
PLACES = [("alice", "/"), ("staff", "/admin/")]
COOKIE = "session"


def minutes(clock: Any, count: float) -> None:
    clock.shift(count * 60)


def is_in(browser: Browser, place: str) -> bool:
    status = browser.get(place).status_code
    assert status in (200, 302)
    return bool(status == 200)


def twin(browser: Browser) -> Browser:
    """Return a browser with a copy of the cookies."""
    other = Browser()
    other.cookies = SimpleCookie({name: morsel.value for name, morsel in browser.cookies.items()})
    return other


@pytest.fixture
def clock(time_machine: Any) -> Any:
    time_machine.move_to(START, tick=False)
    return time_machine


@pytest.mark.parametrize(("who", "place"), PLACES)
def test_session_ends_after_half_an_hour_without_a_click(
    client: Browser, request: pytest.FixtureRequest, clock: Any, who: str, place: str
) -> None:
    sign_in(client, request.getfixturevalue(who).email)
    assert is_in(client, place)
    for _ in range(3):
        minutes(clock, 29)
        assert is_in(client, place)
    thief = twin(client)
    minutes(clock, 31)
    ended = client.get(place, follow=True)
    assert ended.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert "You were signed out after half an hour without activity." in text(ended)
    assert not is_in(thief, place)


@pytest.mark.parametrize(("who", "place"), PLACES)
def test_session_ends_after_twelve_hours_in_any_case(
    client: Browser, request: pytest.FixtureRequest, clock: Any, who: str, place: str
) -> None:
    sign_in(client, request.getfixturevalue(who).email)
    assert is_in(client, place)
    for _ in range(36):
        minutes(clock, 20)
        assert is_in(client, place)
    minutes(clock, 1)
    assert "You were signed out after twelve hours." in text(client.get(place, follow=True))
    sign_in(client, request.getfixturevalue(who).email)
    minutes(clock, 25)
    assert is_in(client, place)


def test_click_is_written_down_once_a_minute(client: Browser, alice: User, clock: Any) -> None:
    sign_in(client, alice.email)
    client.get("/")
    before = Session.objects.get().session_data
    minutes(clock, 0.5)
    client.get("/")
    assert Session.objects.get().session_data == before
    minutes(clock, 1)
    client.get("/")
    assert Session.objects.get().session_data != before


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    thief = twin(client)
    assert is_in(thief, "/")
    out = client.post("/accounts/logout/")
    assert (out.status_code, out["Clear-Site-Data"]) == (302, '"cache", "storage"')
    assert (is_in(thief, "/"), Session.objects.count()) == (False, 0)
    assert not client.get("/accounts/login/").has_header("Clear-Site-Data")


def changed_by_herself(browser: Browser, user: User, new: str) -> None:
    form = {"oldpassword": rows.PASSWORD, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", form).status_code == 302
    assert not is_in(browser, "/")


def changed_in_admin(browser: Browser, user: User, new: str) -> None:
    boss = rows.make_user(None, "boss@vendor.example")
    staff_browser = Browser()
    staff_browser.force_login(boss)
    form = {"password1": new, "password2": new, "usable_password": "true"}
    assert staff_browser.post(f"/admin/integrations/user/{user.pk}/password/", form).status_code == 302


@pytest.mark.parametrize("change", [changed_by_herself, changed_in_admin])
def test_new_password_ends_every_session(client: Browser, alice: User, change: Any) -> None:
    elsewhere = Browser()
    for browser in (client, elsewhere):
        sign_in(browser, alice.email)
    change(client, alice, "a wholly other sentence of words")
    assert not is_in(elsewhere, "/")
    assert sign_in(Browser(), alice.email, "a wholly other sentence of words")["Location"] == "/"


def test_sign_out_everywhere(client: Browser, alice: User, charlie: User) -> None:
    elsewhere, stranger = Browser(), Browser()
    sign_in(client, alice.email)
    sign_in(elsewhere, alice.email)
    sign_in(stranger, charlie.email)
    assert "Sign out everywhere" in text(client.get("/accounts/password/change/"))
    assert client.get("/accounts/sessions/end/").status_code == 405
    assert is_in(elsewhere, "/")
    assert "You are signed out everywhere." in text(client.post("/accounts/sessions/end/", follow=True))
    assert [is_in(browser, "/") for browser in (client, elsewhere, stranger)] == [False, False, True]
    assert client.post("/accounts/sessions/end/")["Location"] == "/accounts/login/"
    entry = AuditEntry.objects.get(action="sessions.ended")
    assert (entry.subject, entry.actor_name, entry.detail) == (str(alice.pk), alice.email, {"sessions": 2})


def test_staff_sign_a_person_out_everywhere(staff_browser: Browser, client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    act = f"/admin/integrations/user/{alice.pk}/act/sign-out/"
    assert "All sessions of this person end immediately" in text(staff_browser.get(act))
    assert is_in(client, "/")
    assert "Signed out of 1 browser." in text(staff_browser.post(act, follow=True))
    assert not is_in(client, "/")
    assert AuditEntry.objects.get(action="sessions.ended").actor_name == "stella@vendor.example"


def test_table_of_sessions_opens_none(client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    key = client.cookies[COOKIE].value
    row = Session.objects.get()
    assert row.pk == hashlib.sha256(key.encode()).hexdigest()[:40]
    thief = Browser()
    thief.cookies[COOKIE] = row.pk
    assert (is_in(thief, "/"), is_in(client, "/")) == (False, True)
    with pytest.raises(BadSignature):
        signing.loads(row.session_data, salt="django.contrib.sessions.SessionStore")
    client.get("/accounts/logout/")
    assert Session.objects.count() == 1  # the same row, found again


def test_session_whose_key_is_gone_is_nobodys(client: Browser, alice: User, settings: Any) -> None:
    sign_in(client, alice.email)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert not is_in(client, "/")


# Fixation


def test_planted_session_is_not_adopted(client: Browser, alice: User) -> None:
    """Neither an invented session key nor the attacker's own."""
    attacker = Browser()
    attacker.get("/smartrecruiters/integration?companyId=northwind")
    for planted in ("a" * 32, attacker.cookies[COOKIE].value):
        victim = Browser()
        victim.cookies[COOKIE] = planted
        sign_in(victim, alice.email)
        assert victim.cookies[COOKIE].value != planted
        assert is_in(victim, "/")
        attacker.cookies[COOKIE] = planted
        assert not is_in(attacker, "/")


def test_session_is_new_after_the_password_and_after_the_second_factor(client: Browser, alice: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    client.get("/smartrecruiters/integration?companyId=northwind")
    before = client.cookies[COOKIE].value
    sign_in(client, alice.email)
    half_way = twin(client)
    counter = next(iter(yield_hotp_counters_from_time()))
    code = format_hotp_value(hotp_value(secret, counter))
    assert client.post("/accounts/2fa/authenticate/", {"code": code})["Location"] == "/"
    assert client.cookies[COOKIE].value not in (before, half_way.cookies[COOKIE].value)
    assert is_in(client, "/")
    assert not is_in(half_way, "/")
    replay = Browser()
    sign_in(replay, alice.email)
    assert "This code is wrong" in text(replay.post("/accounts/2fa/authenticate/", {"code": code}))


# Cookies


def test_request_that_signing_in_overtook_does_not_sign_out(client: Browser, alice: User) -> None:
    """The favicon is requested with the session's former key and answered after the key has changed."""
    client.get("/smartrecruiters/integration?companyId=northwind")
    late = twin(client)
    sign_in(client, alice.email)
    for path in ("/favicon.ico", "/brand.css", "/accounts/login/"):
        assert COOKIE not in late.get(path).cookies
    assert COOKIE not in late.get("/").cookies
    assert client.post("/accounts/logout/").cookies[COOKIE].value == ""


def test_every_cookie_is_closed_to_scripts_and_other_sites(client: Browser, alice: User, settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    seen: dict[str, Any] = {}
    for answer in (
        client.get("/accounts/login/", secure=True),
        sign_in(client, alice.email),
        client.get("/", secure=True),
        client.post("/accounts/logout/", secure=True),
        client.get("/accounts/login/", secure=True),
    ):
        seen |= {name: morsel for name, morsel in answer.cookies.items() if morsel.value}
    assert set(seen) == {"__Host-session", "__Host-csrf"}
    for morsel in seen.values():
        flags = (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"])
        assert flags == (True, True, "Lax", "/", "")
