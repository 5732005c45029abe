"""People whom staff add, or who need a new password, choose it themselves by a link that works once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations.models import AuditEntry, Customer, User
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.mailbox import deliver_emails
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
DORA = "dora@northwind.example"
NEW = "a long way to the sea"
AT = "/admin/integrations/user"


def add_person(browser: Browser, **fields: Any) -> Any:
    return browser.post(f"{AT}/add/", {"email": DORA, "name": "Dora", **fields}, follow=True)


def act(browser: Browser, user: User, name: str = "send-password-link") -> Any:
    return browser.post(f"{AT}/{user.pk}/act/{name}/", follow=True)


def read_link() -> str:
    """Return the path of the link in the newest email."""
    found: list[str] = re.findall(r"http://localhost:8000(/accounts/password/reset/key/\S+)", deliver_emails()[-1].body)
    return found[0]


def choose_password(link: str, password: str = NEW) -> int:
    """Open the link and choose a password. Return the status of the last answer."""
    browser = Browser()
    answer = browser.get(link)
    if answer.status_code == 302:
        answer = browser.post(answer["Location"], {"password1": password, "password2": password})
    status: int = answer.status_code
    return status


def list_audit() -> list[tuple[str, str]]:
    found = AuditEntry.objects.filter(action__startswith="user.password").order_by("pk")
    return [(each.action, each.actor_name) for each in found]


@pytest.mark.parametrize("language", ["en", "de"])
def test_person_who_is_added_chooses_the_password(
    staff_browser: Browser, customer: Customer, mailoutbox: list[Any], language: str
) -> None:
    Customer.objects.update(language=language)
    add_person(staff_browser, customer=customer.pk, role="viewer")
    link = read_link()
    [message] = mailoutbox
    subject, said = {
        "en": ("Your Assessments account", "You now have an account at Assessments, for Northwind Retail."),
        "de": ("Ihr Konto bei Assessments", "Sie haben jetzt ein Konto bei Assessments, für Northwind Retail."),
    }[language]
    assert (message.to, message.subject, said in message.body) == ([DORA], subject, True)
    assert choose_password(link) == 302
    assert sign_in(Browser(), DORA, NEW)["Location"] == "/"
    assert choose_password(link, "another sentence of words") == 400
    assert list_audit() == [("user.password_link_sent", "stella@vendor.example")]


def test_staff_who_are_added_choose_theirs(staff_browser: Browser) -> None:
    add_person(staff_browser, staff_role="viewer")
    link = read_link()
    assert "as one of the staff" in deliver_emails()[0].body
    assert choose_password(link) == 302
    assert User.objects.get(email=DORA).check_password(NEW)


@pytest.mark.parametrize(
    ("is_new", "age", "status"),
    [
        (True, timedelta(days=6, hours=23), 302),
        (True, timedelta(days=7, minutes=1), 400),
        (False, timedelta(minutes=59), 302),
        (False, timedelta(minutes=61), 400),
    ],
)
def test_link_ends_after_its_time(
    staff_browser: Browser,
    alice: User,
    customer: Customer,
    time_machine: Any,
    is_new: bool,
    age: timedelta,
    status: int,
) -> None:
    if is_new:
        add_person(staff_browser, customer=customer.pk, role="viewer")
    else:
        act(staff_browser, alice)
    link = read_link()
    time_machine.move_to(timezone.now() + age)
    assert choose_password(link) == status


@pytest.mark.parametrize(
    "change",
    [
        {"email": "dora@elsewhere.example"},
        {"is_active": False},
        {"last_login": timezone.now()},
    ],
)
def test_link_ends_with_a_change_of_the_account(
    staff_browser: Browser, customer: Customer, change: dict[str, Any]
) -> None:
    add_person(staff_browser, customer=customer.pk, role="viewer")
    link = read_link()
    User.objects.filter(email=DORA).update(**change)
    assert choose_password(link) == 400


def test_link_for_a_new_password_tells_the_person_and_changes_nothing_yet(staff_browser: Browser, alice: User) -> None:
    signed_in = Browser()
    signed_in.force_login(alice)
    page = f"{AT}/{alice.pk}/act/send-password-link/"
    assert f"An email with a link is sent to {alice.email}." in text(staff_browser.get(page))
    assert f"A link to choose a password is on its way to {alice.email}." in text(act(staff_browser, alice))
    link = read_link()
    assert "The staff of Assessments asked for a new password for your account." in deliver_emails()[0].body
    alice.refresh_from_db()
    assert (alice.check_password(rows.PASSWORD), signed_in.get("/").status_code) == (True, 200)
    assert choose_password(link) == 302
    assert signed_in.get("/").status_code == 302
    assert list_audit() == [("user.password_link_sent", "stella@vendor.example")]


def test_sending_a_link_asks_again_who_acts(staff_browser: Browser, alice: User) -> None:
    forget_proof(staff_browser)
    answer = staff_browser.post(f"{AT}/{alice.pk}/act/send-password-link/")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert (deliver_emails(), list_audit()) == ([], [])


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_sending_a_link_is_for_administrators(client: Browser, alice: User, role: str) -> None:
    client.force_login(rows.make_user(None, "sam@vendor.example", role=role))
    assert [act(client, alice, f"{verb}-password-link").status_code for verb in ("send", "show")] == [403, 403]


def test_no_page_lets_an_administrator_choose_a_password(staff_browser: Browser, alice: User) -> None:
    add_person(staff_browser, staff_role="viewer", password1=NEW, password2=NEW, usable_password="true")
    assert not User.objects.get(email=DORA).has_usable_password()
    staff_browser.post(f"{AT}/{alice.pk}/password/", {"password1": NEW, "password2": NEW, "usable_password": "true"})
    alice.refresh_from_db()
    assert alice.check_password(rows.PASSWORD)
    pages = [text(staff_browser.get(f"{AT}/{page}/")) for page in ("add", f"{alice.pk}/change")]
    assert [re.findall('type="password"', page) for page in pages] == [[], []]


def test_without_a_mail_server_the_administrator_passes_the_link_on(
    staff_browser: Browser, customer: Customer, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    added = text(add_person(staff_browser, customer=customer.pk, role="viewer"))
    assert "Dora was added, but emails are not set up yet: use “Show link for a password”, and pass it on" in added
    dora = User.objects.get(email=DORA)
    assert "/accounts/password/reset/key/" not in added
    page = text(act(staff_browser, dora, "show-password-link"))
    [link] = re.findall(r"http://localhost:8000(/accounts/password/reset/key/[^\s<]+)", page)
    assert f"Give this link to {DORA} only." in page
    assert choose_password(link) == 302
    assert list_audit() == [("user.password_link_shown", "stella@vendor.example")]


def test_link_is_not_shown_where_emails_are_sent(staff_browser: Browser, alice: User) -> None:
    assert "/accounts/password/reset/key/" not in text(act(staff_browser, alice, "show-password-link"))
    assert list_audit() == []


@pytest.mark.parametrize(("fields", "emails"), [({"sends_link": "on"}, 1), ({}, 0)])
def test_person_of_the_identity_provider_needs_no_link(
    staff_browser: Browser, settings: Any, fields: dict[str, str], emails: int
) -> None:
    settings.OIDC_ISSUER = "https://id.vendor.example"
    page = text(add_person(staff_browser, staff_role="viewer", **fields))
    assert ("No email was sent." in page, len(deliver_emails())) == (not emails, emails)
