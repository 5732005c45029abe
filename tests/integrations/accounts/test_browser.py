"""Pages that need a browser: passkeys under the strict content security policy, and WCAG."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Browser, expect

from integrations.models import AuditEntry, ClaimState, CompanyClaim, Customer, PartnerConfiguration, User
from integrations.outbox import courier
from integrations.outbox.models import Stream
from tests import rows
from tests.e2e.browser import Visitor
from tests.reauthentication import forget_proof_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]
Visit = Callable[[], Visitor]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def visit(live_server: Any, settings: Any, chromium: Browser) -> Iterator[Visit]:
    """Return a factory of browsers, one per person. An error on any of their pages fails the test."""
    settings.PUBLIC_URL = live_server.url
    visitors: list[Visitor] = []

    def another() -> Visitor:
        visitors.append(Visitor(chromium, origins={live_server.url}, portal=live_server.url))
        return visitors[-1]

    yield another
    for visitor in visitors:
        visitor.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []


def has_device(person: Visitor) -> Any:
    """Add a virtual authenticator, like a laptop's with a fingerprint reader. Return the session that controls it."""
    session = person.context.new_cdp_session(person.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return session


def sign_in(person: Visitor, url: str, user: User) -> None:
    person.page.goto(url)
    person.page.get_by_label("Email address").fill(user.email)
    person.page.get_by_label("Password").fill(rows.PASSWORD)
    person.press_button("Sign in")


def add_passkey(person: Visitor, *, alone: bool) -> None:
    """Add a passkey on the page of second factors."""
    person.follow_link("Add a passkey")
    person.expect_page("Add a passkey")
    person.page.get_by_label("Device name").fill("Alice's laptop")
    if alone:
        person.page.get_by_label("Sign in without a password").check()
    person.press_button("Add")
    person.expect_page("Recovery codes")


def list_methods(user: User) -> list[str]:
    """Return the methods of the user's sign-ins, from the audit log."""
    entries = AuditEntry.objects.filter(action="sign_in.succeeded", subject=user.pk).order_by("pk")
    return [entry.detail["method"] for entry in entries]


def test_passkey_signs_in_alone(visit: Visit, live_server: Any, alice: User) -> None:
    person = visit()
    has_device(person)
    sign_in(person, live_server.url, alice)
    person.expect_page("Connections")
    person.page.goto(f"{live_server.url}/accounts/2fa/")
    person.expect_page("Two-factor authentication")
    add_passkey(person, alone=True)
    person.page.goto(f"{live_server.url}/accounts/2fa/")
    person.follow_link("Manage")
    person.expect_page("Passkeys")
    expect(person.page.get_by_text("Works without a password.")).to_be_visible()
    person.press_button("Sign out")
    person.page.goto(f"{live_server.url}/accounts/login/?next=/orders")
    person.expect_page("Sign in")
    person.press_button("Sign in with a passkey")
    person.expect_page("Orders")
    assert list_methods(alice) == ["password", "passkey"]


def test_passkey_is_the_second_factor_of_staff(visit: Visit, live_server: Any, staff: User, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    person = visit()
    has_device(person)
    sign_in(person, f"{live_server.url}/admin/", staff)
    person.expect_page("Two-factor authentication")
    expect(person.page.get_by_text("Staff need a second factor.")).to_be_visible()
    add_passkey(person, alone=False)
    person.follow_link("Done")
    expect(person.page.get_by_role("heading", name="Overview")).to_be_visible()
    person.press_button("Sign out")
    sign_in(person, f"{live_server.url}/admin/", staff)
    person.expect_page("Two-factor authentication")
    person.press_button("Use a passkey")
    expect(person.page.get_by_role("heading", name="Overview")).to_be_visible()
    assert list_methods(staff) == ["password", "password + passkey"]


def test_passkey_that_is_refused_leaves_the_other_ways(visit: Visit, live_server: Any, alice: User) -> None:
    person = visit()
    device = has_device(person)
    sign_in(person, live_server.url, alice)
    person.page.goto(f"{live_server.url}/accounts/2fa/")
    add_passkey(person, alone=True)
    person.press_button("Sign out") if person.page.get_by_role("button", name="Sign out").count() else None
    person.context.clear_cookies()
    device.send("WebAuthn.disable")
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE | {"isUserVerified": False}})
    person.page.goto(f"{live_server.url}/accounts/login/")
    person.press_button("Sign in with a passkey")
    expect(person.page.get_by_text("The passkey did not work. Try again or use another method.")).to_be_visible()
    sign_in(person, f"{live_server.url}/accounts/login/", alice)
    person.expect_page("Two-factor authentication")


def test_passkeys_are_kept_and_removed(visit: Visit, live_server: Any, alice: User) -> None:
    person = visit()
    has_device(person)
    sign_in(person, live_server.url, alice)
    person.page.goto(f"{live_server.url}/accounts/2fa/")
    add_passkey(person, alone=False)
    person.page.goto(f"{live_server.url}/accounts/2fa/webauthn/")
    person.follow_link("Rename Alice's laptop")
    person.expect_page("Rename the passkey")
    person.page.get_by_label("Name").fill("Old laptop")
    person.press_button("Rename")
    person.follow_link("Remove… Old laptop")
    person.expect_page("Remove “Old laptop”?")
    person.press_button("Remove")
    expect(person.page.get_by_text("You have no passkeys yet.")).to_be_visible()


def press_by_keyboard(person: Visitor, text: str) -> None:
    """Tab to the button with this text, and press it."""
    passed: list[str] = []
    while text not in passed:
        assert len(passed) < 40, f"no button {text!r}, but {passed}"
        person.page.keyboard.press("Tab")
        passed.append(" ".join(person.page.evaluate("document.activeElement.innerText").split()))
    person.page.keyboard.press("Enter")


def test_question_who_acts_is_answered_by_keyboard_and_the_form_is_sent(
    visit: Visit, live_server: Any, customer: Customer, alice: User
) -> None:
    person = visit()
    sign_in(person, f"{live_server.url}/people", alice)
    person.expect_page("People")
    forget_proof_of(alice)
    press_by_keyboard(person, "Require a second factor")
    person.expect_page("Confirm it’s you")
    expect(person.page.get_by_text("What you entered is kept.")).to_be_visible()
    person.page.focus("[name=password]")
    person.page.keyboard.type(rows.PASSWORD)
    person.page.keyboard.press("Enter")
    person.expect_page("Two-factor authentication")
    expect(person.page.get_by_text("Northwind Retail now requires a second factor.")).to_be_visible()
    expect(person.page.get_by_text("Set up an app or a passkey to continue.")).to_be_visible()


def test_passkey_answers_the_question_who_acts(visit: Visit, live_server: Any, alice: User) -> None:
    person = visit()
    has_device(person)
    sign_in(person, live_server.url, alice)
    person.page.goto(f"{live_server.url}/accounts/2fa/")
    add_passkey(person, alone=True)
    forget_proof_of(alice)
    person.page.goto(f"{live_server.url}/accounts/2fa/recovery-codes/generate/")
    person.expect_page("Confirm it’s you")
    person.follow_link("Use a security key")
    person.press_button("Use a passkey")
    person.expect_page("Create recovery codes?")


def test_sessions_are_listed_and_ended(visit: Visit, live_server: Any, alice: User) -> None:
    here, there = visit(), visit()
    for person in (here, there):
        sign_in(person, f"{live_server.url}/accounts/sessions/", alice)
        person.expect_page("Sessions")
    here.page.reload()
    press_by_keyboard(here, "Sign out of Chrome on Linux, 127.0.0.1")
    expect(here.page.get_by_text("You are signed out of that browser.")).to_be_visible()
    here.expect_page("Sessions")
    there.page.reload()
    there.expect_page("Sign in")


def test_person_is_invited_joins_and_is_removed(
    visit: Visit, live_server: Any, customer: Customer, alice: User
) -> None:
    owner, newcomer = visit(), visit()
    sign_in(owner, f"{live_server.url}/people", alice)
    owner.expect_page("People")
    owner.page.get_by_label("Email address").fill("dora@northwind.example")
    owner.press_button("Invite")
    expect(owner.page.get_by_text("The invitation is on its way to dora@northwind.example.")).to_be_visible()
    owner.expect_page("People")
    courier.run(Stream.objects.get(name="email").pk)
    newcomer.page.goto(re.findall(r"http://\S+/invitations/\S+", mail.outbox[0].body)[0])
    newcomer.expect_page("Join Northwind Retail")
    newcomer.page.get_by_label("Your name").fill("Dora")
    newcomer.page.get_by_label("Password", exact=True).fill("a long way to the sea")
    newcomer.page.get_by_label("Repeat password").fill("a long way to the sea")
    newcomer.press_button("Join")
    expect(newcomer.page.get_by_text("Welcome to Northwind Retail.")).to_be_visible()
    newcomer.expect_page("Connections")
    owner.page.reload()
    owner.follow_link("Remove… dora@northwind.example")
    owner.expect_page("Remove dora@northwind.example?")
    owner.press_button("Remove")
    newcomer.page.reload()
    expect(newcomer.page.get_by_text("Your account belongs to no organisation")).to_be_visible()
    newcomer.expect_page("Connections")


@pytest.mark.parametrize("mode", ["REDIRECT", "POPUP"])
def test_consent_for_one_of_several_by_keyboard_alone(
    visit: Visit, live_server: Any, settings: Any, customer: Customer, other_customer: Customer, alice: User, mode: str
) -> None:
    rows.make_member(alice, other_customer)
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = [live_server.url]
    person = visit()
    page = person.page
    back = f"&redirect={live_server.url}/healthz" if mode == "REDIRECT" else ""
    page.goto(f"{live_server.url}/smartrecruiters/integration?companyId=northwind{back}")
    page.focus("[name=login]")
    page.keyboard.type(alice.email)
    page.keyboard.press("Tab")
    page.keyboard.type(rows.PASSWORD)
    page.keyboard.press("Enter")
    person.expect_page("Connect SmartRecruiters to Assessments?")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "organisation":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Approve":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/progress"))
    person.check_accessibility()
    assert [*CompanyClaim.objects.values_list("customer", "company_id", "state")] == [
        (customer.pk, "northwind", ClaimState.WAITING)
    ]


@pytest.mark.parametrize("mode", ["REDIRECT", "POPUP"])
def test_deny_by_keyboard_alone(visit: Visit, live_server: Any, settings: Any, alice: User, mode: str) -> None:
    settings.SMARTRECRUITERS_TRUSTED_ORIGINS = [live_server.url]
    person = visit()
    page = person.page
    back = f"&redirect={live_server.url}/healthz" if mode == "REDIRECT" else ""
    sign_in(person, f"{live_server.url}/smartrecruiters/integration?companyId=northwind{back}", alice)
    person.expect_page("Connect SmartRecruiters to Assessments?")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Deny":
            break
    page.keyboard.press("Enter")
    if mode == "REDIRECT":
        page.wait_for_url(f"{live_server.url}/healthz")
    else:
        person.expect_page("Not connected")


def test_denied_popup_closes_by_its_own_button(visit: Visit, live_server: Any, alice: User) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(display_mode="POPUP")
    person = visit()
    page = person.page
    sign_in(person, f"{live_server.url}/", alice)
    page.goto("about:blank")
    with page.expect_popup() as opened:
        page.evaluate(
            "url => { window.popup = window.open(url, 'consent', 'popup,width=600,height=400') }",
            f"{live_server.url}/smartrecruiters/integration?companyId=northwind",
        )
    window = opened.value
    window.get_by_role("button", name="Deny").click()
    expect(window.get_by_role("heading", name="Not connected")).to_be_visible()
    person.check_accessibility(window)
    with window.expect_event("close"):
        window.get_by_role("button", name="Close window").click()
    assert page.evaluate("popup.closed")
