"""Session timeout, session fixation and cookies (A9, A10, C28 and S16 in tests/reliability/README.md)."""

import hashlib
import re
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
from django.contrib.admin.utils import quote
from django.core import signing
from django.core.signing import BadSignature
from django.test import Client as Browser

from integrations.accounts import sessions
from integrations.accounts.emails import build_reset_url
from integrations.models import AuditEntry, Customer, Session, User
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in, text

pytestmark = pytest.mark.django_db
START = "2026-11-24T08:00:00Z"
PLACES = [("alice", "/"), ("staff", "/admin/")]
COOKIE = "session"
SESSIONS = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


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


def test_session_that_was_never_used_ends_after_half_an_hour(client: Browser, alice: User, clock: Any) -> None:
    """Whoever closes the page right after the sign-in is idle from then on."""
    sign_in(client, alice.email)
    minutes(clock, 31)
    assert not is_in(client, "/")


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


def changed_by_link(browser: Browser, user: User, new: str) -> None:
    other = Browser()
    form = other.get(build_reset_url(User.objects.get(pk=user.pk)))["Location"]
    assert other.post(form, {"password1": new, "password2": new}).status_code == 302


@pytest.mark.parametrize("change", [changed_by_herself, changed_by_link])
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
    assert "Sign out everywhere" in text(client.get(SESSIONS))
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


# One by one


def open_browser(user: User, agent: str = FIREFOX, ip: str = "192.0.2.7") -> Browser:
    """Return a browser in which the user signed in and opened a page."""
    browser = Browser(headers={"User-Agent": agent}, REMOTE_ADDR=ip)
    sign_in(browser, user.email, address=ip)
    browser.get(SESSIONS)
    return browser


def rows_of(browser: Browser) -> list[str]:
    """Return the text of each row of the page of sessions, without the invisible words."""
    page = re.sub(r'<span class="visually-hidden">.*?</span>', "", text(browser.get(SESSIONS)))
    return [" ".join(re.sub("<[^>]+>", " ", row).split()) for row in re.findall("<tr.*?</tr>", page)[1:]]


def session_id(browser: Browser) -> str:
    return hashlib.sha256(browser.cookies[COOKIE].value.encode()).hexdigest()[:40]


def end(browser: Browser, other: Browser) -> Any:
    return browser.post(f"{SESSIONS}{session_id(other)}/end/")


def test_sessions_are_listed_with_device_ip_and_times(alice: User, charlie: User, clock: Any) -> None:
    here = open_browser(alice)
    minutes(clock, 10)
    open_browser(alice, IPHONE, "2001:db8::7")
    open_browser(charlie)
    minutes(clock, 5)
    here.get("/")
    assert rows_of(here) == [
        "Firefox on Windows (this one) 192.0.2.7 15 minutes ago just now",
        "Safari on iPhone 2001:db8::7 5 minutes ago 5 minutes ago Sign out",
    ]


def test_browser_that_moved_is_listed_where_it_is(alice: User, clock: Any) -> None:
    here = open_browser(alice)
    minutes(clock, 2)
    here.get("/", REMOTE_ADDR="198.51.100.9")
    assert rows_of(here) == ["Firefox on Windows (this one) 198.51.100.9 2 minutes ago just now"]


def test_session_that_is_over_is_not_listed(alice: User, clock: Any) -> None:
    open_browser(alice, IPHONE)
    minutes(clock, 31)
    assert [row.split(" (")[0] for row in rows_of(open_browser(alice))] == ["Firefox on Windows"]


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (f"{IPHONE} CriOS/140.0", "Chrome on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.5.0", "Another browser on another system"),
        ("<script>alert(1)</script>", "Another browser on another system"),
        ("", "Another browser on another system"),
    ],
)
def test_device_is_named(agent: str, device: str) -> None:
    assert sessions.describe_device(agent) == device


def test_one_session_is_ended(alice: User) -> None:
    here, there, third = (open_browser(alice) for _ in range(3))
    answer = end(here, there)
    assert (answer.status_code, answer["Location"]) == (302, SESSIONS)
    assert [is_in(browser, "/") for browser in (here, there, third)] == [True, False, True]
    entry = AuditEntry.objects.get(action="session.ended")
    assert (entry.subject, entry.actor, entry.ip) == (str(alice.pk), alice, "192.0.2.7")
    assert end(here, there).status_code == 404


def test_own_session_is_ended_as_by_signing_out(alice: User) -> None:
    here = open_browser(alice)
    answer = end(here, here)
    assert (answer["Location"], answer["Clear-Site-Data"]) == ("/accounts/login/", '"cache", "storage"')
    assert not is_in(here, "/")


def test_session_of_another_person_is_not_ended(alice: User, charlie: User) -> None:
    hers, his = open_browser(alice), open_browser(charlie)
    assert end(his, hers).status_code == 404
    assert end(Browser(), hers)["Location"].startswith("/accounts/login/")
    assert is_in(hers, "/")


def test_ending_a_session_asks_again_who_acts(alice: User, clock: Any) -> None:
    here, there = open_browser(alice), open_browser(alice)
    minutes(clock, 6)
    assert end(here, there)["Location"] == "/accounts/reauthenticate/"
    assert is_in(there, "/")
    assert here.post("/accounts/reauthenticate/", {"password": rows.PASSWORD})["Location"] == SESSIONS
    assert not is_in(there, "/")


# For good


def switch(browser: Browser, row: Any, **changes: str) -> None:
    """Change a person or a customer in admin."""
    form = {name: str(getattr(row, name)) for name in ("email", "name", "staff_role", "language") if hasattr(row, name)}
    path = f"/admin/integrations/{row._meta.model_name}/{quote(row.pk)}/change/"
    for inline in re.findall(r'name="([a-z_]+)-TOTAL_FORMS"', text(browser.get(path))):
        form |= {f"{inline}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    assert browser.post(path, form | changes).status_code == 302


def test_person_switched_off_and_on_must_sign_in_again(staff_browser: Browser, alice: User, bob: User) -> None:
    hers, his = open_browser(alice), open_browser(bob)
    switch(staff_browser, alice)
    assert not User.objects.get(pk=alice.pk).is_active
    switch(staff_browser, alice, is_active="on")
    assert User.objects.get(pk=alice.pk).is_active
    assert (is_in(hers, "/"), is_in(his, "/")) == (False, True)
    entry = AuditEntry.objects.get(action="sessions.ended")
    assert (entry.subject, entry.actor_name, entry.detail) == (str(alice.pk), "stella@vendor.example", {"sessions": 1})


def test_people_of_a_customer_switched_off_and_on_must_sign_in_again(
    staff_browser: Browser, alice: User, bob: User, charlie: User, other_customer: Customer
) -> None:
    rows.make_member(bob, other_customer)
    browsers = [open_browser(user) for user in (alice, bob, charlie)]
    northwind = Customer.objects.get(name="Northwind Retail")
    switch(staff_browser, northwind)
    switch(staff_browser, northwind, is_active="on")
    assert [is_in(browser, "/") for browser in browsers] == [False, True, True]


def test_new_password_deletes_the_other_sessions(client: Browser, alice: User, charlie: User) -> None:
    open_browser(alice)
    his = open_browser(charlie)
    sign_in(client, alice.email)
    changed_by_herself(client, alice, "a wholly other sentence of words")
    assert Session.objects.exclude(user=None).get().pk == session_id(his)


def test_deleted_person_leaves_no_session(alice: User) -> None:
    open_browser(alice)
    alice.delete()
    assert Session.objects.count() == 0


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


def test_session_is_new_after_a_reauthentication(client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    thief = twin(client)
    assert is_in(thief, "/")
    wrong = client.post("/accounts/reauthenticate/", {"password": "not the password"})
    assert (wrong.status_code, client.cookies[COOKIE].value) == (200, thief.cookies[COOKIE].value)
    assert client.post("/accounts/reauthenticate/?next=/people", {"password": rows.PASSWORD})["Location"] == "/people"
    assert client.cookies[COOKIE].value != thief.cookies[COOKIE].value
    assert (is_in(client, "/"), is_in(thief, "/")) == (True, False)
    assert [each.is_current for each in sessions.list_browsers(alice, client.cookies[COOKIE].value)] == [True]
    before = client.cookies[COOKIE].value
    client.get("/people")
    assert client.cookies[COOKIE].value == before


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
    settings.DEVICE_COOKIE_NAME = "__Host-device"
    seen: dict[str, Any] = {}
    for answer in (
        client.get("/accounts/login/", secure=True),
        sign_in(client, alice.email),
        client.get("/", secure=True),
        client.post("/accounts/logout/", secure=True),
        client.get("/accounts/login/", secure=True),
    ):
        seen |= {name: morsel for name, morsel in answer.cookies.items() if morsel.value}
    assert set(seen) == {"__Host-session", "__Host-csrf", "__Host-device"}
    for morsel in seen.values():
        flags = (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"])
        assert flags == (True, True, "Lax", "/", "")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("case", ["a stranger", "signed out before", "idle too long", "sent the browser elsewhere"])
def test_nobody_is_told_that_they_signed_out_unless_they_did(
    client: Browser, alice: User, time_machine: Any, case: str, method: str
) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z")
    if case != "a stranger":
        sign_in(client, alice.email)
        client.get("/")
    if case == "signed out before":
        client.post("/accounts/logout/")
    elif case == "idle too long":
        time_machine.move_to("2026-11-24T11:00:00Z")
    elif case == "sent the browser elsewhere":
        client.post("/accounts/sessions/end/")
    answer = getattr(client, method)("/accounts/logout/", follow=True)
    page = answer.content.decode()
    assert ("<h1>Sign in</h1>" in page, "You have signed out." in page) == (True, False)


def test_signing_out_is_said_until_somebody_signs_in(client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    page = client.post("/accounts/logout/", follow=True).content.decode()
    assert ("You have signed out." in page, "Sign in to continue." in page) == (True, False)
    assert "You have signed out." not in client.get("/accounts/login/").content.decode()
    form = {"login": alice.email, "password": rows.PASSWORD, "next": "/?signed_out=1"}
    home = client.post("/accounts/login/", form, follow=True).content.decode()
    assert ("<h1>Connections</h1>" in home, "You have signed out." in home) == (True, False)
