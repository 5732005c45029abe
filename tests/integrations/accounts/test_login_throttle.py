"""Guessing passwords: a growing delay per account, known browsers that it spares, IPv6 by /64, and the alarm."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import signing
from django.test import Client as Browser

from config.admin import overview
from integrations.accounts import login_throttle
from integrations.models import AuditEntry, User
from integrations.oauth import throttling
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.mailbox import deliver_emails

pytestmark = pytest.mark.django_db
DEVICE = "device"
WRONG = "wrong"


@pytest.fixture(autouse=True)
def clock(time_machine: Any) -> Any:
    time_machine.move_to("2026-11-24T08:00:00Z", tick=False)
    return time_machine


def guess(email: str, count: int, first_ip: int = 0) -> list[int]:
    """Try wrong passwords, each from an IP address of its own, and return the statuses."""
    return [
        sign_in(Browser(), email, WRONG, address=f"192.0.{number // 250}.{number % 250 + 1}").status_code
        for number in range(first_ip, first_ip + count)
    ]


def known_browser(user: User) -> Browser:
    """Return a browser in which the user signed in, and signed out again."""
    browser = Browser()
    assert sign_in(browser, user.email).status_code == 302
    browser.post("/accounts/logout/")
    return browser


def copy_device(browser: Browser) -> Browser:
    other = Browser()
    other.cookies = SimpleCookie({DEVICE: browser.cookies[DEVICE].value})
    return other


# The delay


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (9, 0), (10, 1), (11, 2), (12, 4), (15, 32), (19, 512), (20, 900), (40, 900), (10**9, 900)],
)
def test_delay_grows(failures: int, seconds: int) -> None:
    assert login_throttle.get_delay(failures) == seconds


@pytest.mark.parametrize("email", ["alice@northwind.example", "nobody@northwind.example"])
def test_guesser_with_many_addresses_is_slowed_down(alice: User, clock: Any, email: str) -> None:
    assert guess(email, 11) == [200] * 10 + [429]
    seen = []
    for number in range(12):
        answer = sign_in(Browser(), email, WRONG, address=f"198.51.100.{number}")
        seen.append((answer.status_code, answer.get("Retry-After")))
        clock.shift(int(answer.get("Retry-After", 0)))
    assert seen == [
        *((429, "1"), (200, None), (429, "2"), (200, None), (429, "4"), (200, None)),
        *((429, "8"), (200, None), (429, "16"), (200, None), (429, "32"), (200, None)),
    ]
    assert AuditEntry.objects.get(action="sign_in.delayed").subject == email


def test_delay_ends_at_a_quarter_of_an_hour_and_after_a_day(alice: User, clock: Any) -> None:
    for _ in range(25):
        while guess(alice.email, 1) == [429]:
            clock.shift(60)
    answer = sign_in(Browser(), alice.email, address="198.51.100.1")
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes and try again." in text(answer)
    clock.shift(24 * 3600 + 1)
    assert guess(alice.email, 11, 500) == [200] * 10 + [429]


def test_spelling_of_the_address_is_no_other_account(alice: User) -> None:
    spellings = [alice.email, "ALICE@northwind.example", " Alice@Northwind.Example "]
    answers = [guess(spellings[number % 3], 1, number)[0] for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_other_accounts_are_not_delayed(alice: User, bob: User) -> None:
    guess(alice.email, 12)
    assert sign_in(Browser(), bob.email, address="198.51.100.1").status_code == 302


def test_right_password_does_not_count_and_does_not_forgive(alice: User, clock: Any) -> None:
    assert guess(alice.email, 9) == [200] * 9
    for number in range(3):
        assert sign_in(Browser(), alice.email, address=f"198.51.100.{number}").status_code == 302
    assert guess(alice.email, 2, 20) == [200, 429]


# Known browsers


def test_known_browser_of_the_owner_is_never_locked_out(alice: User) -> None:
    hers = known_browser(alice)
    guess(alice.email, 15)
    assert sign_in(Browser(), alice.email).status_code == 429
    assert sign_in(hers, alice.email).status_code == 302


def test_guesser_at_the_same_ip_address_does_not_lock_a_known_browser_out(alice: User, bob: User) -> None:
    hers = known_browser(alice)
    for email in (alice.email, bob.email, *(f"{number}@northwind.example" for number in range(8))):
        for _ in range(10):
            sign_in(Browser(), email, WRONG)
    assert sign_in(Browser(), bob.email).status_code == 429
    assert sign_in(hers, alice.email).status_code == 302


def test_known_browser_is_known_for_its_accounts_only(alice: User, bob: User) -> None:
    hers = known_browser(alice)
    guess(bob.email, 12)
    assert sign_in(hers, bob.email).status_code == 429


def test_shared_browser_is_known_for_each_who_signed_in(alice: User, bob: User) -> None:
    shared = known_browser(alice)
    sign_in(shared, bob.email)
    shared.post("/accounts/logout/")
    guess(alice.email, 12)
    guess(bob.email, 12)
    for user in (alice, bob):
        assert sign_in(copy_device(shared), user.email).status_code == 302


def test_guesser_in_a_known_browser_is_stopped_and_the_others_are_not(alice: User, clock: Any) -> None:
    stolen, hers = known_browser(alice), known_browser(alice)
    answers = [sign_in(copy_device(stolen), alice.email, WRONG, address=f"192.0.2.{n}").status_code for n in range(12)]
    assert answers == [200] * 10 + [429] * 2
    assert sign_in(hers, alice.email).status_code == 302
    clock.shift(301)
    assert sign_in(copy_device(stolen), alice.email).status_code == 302


@pytest.mark.parametrize(
    "make_cookie",
    [
        lambda value: value[:-1] + ("A" if value[-1] != "A" else "B"),
        lambda value: signing.dumps({"id": "x", "accounts": ["y"]}, salt="another", key="x" * 50),
        lambda value: value.partition(":")[0],
        lambda value: "null",
        lambda value: "",
    ],
)
def test_forged_device_is_unknown(alice: User, make_cookie: Any) -> None:
    value = known_browser(alice).cookies[DEVICE].value
    guess(alice.email, 12)
    forged = Browser()
    forged.cookies = SimpleCookie({DEVICE: make_cookie(value)})
    assert sign_in(forged, alice.email).status_code == 429


def test_device_is_forgotten_after_half_a_year(alice: User, clock: Any) -> None:
    hers = known_browser(alice)
    value = hers.cookies[DEVICE].value
    clock.shift(180 * 24 * 3600 + 1)
    guess(alice.email, 12)
    late = Browser()
    late.cookies = SimpleCookie({DEVICE: value})
    assert sign_in(late, alice.email).status_code == 429


def test_device_names_nobody(alice: User) -> None:
    cookie = known_browser(alice).cookies[DEVICE]
    content = signing.loads(cookie.value, salt=login_throttle.DEVICE_SALT)
    assert (set(content), len(content["accounts"])) == ({"id", "accounts"}, 1)
    assert (alice.email in str(content), cookie["httponly"], cookie["samesite"]) == (False, True, "Lax")


def test_device_knows_five_accounts_at_most(customer: Any) -> None:
    users = [rows.make_user(customer, f"{number}@northwind.example") for number in range(6)]
    shared = Browser()
    for user in users:
        sign_in(shared, user.email)
        shared.post("/accounts/logout/")
    device = signing.loads(shared.cookies[DEVICE].value, salt=login_throttle.DEVICE_SALT)
    known = login_throttle.Device(**device)
    assert [login_throttle.is_known_device(known, user.email) for user in users] == [False] + [True] * 5


def test_wrong_password_makes_no_browser_known(client: Browser, alice: User) -> None:
    sign_in(client, alice.email, WRONG)
    assert DEVICE not in client.cookies


def test_owner_who_is_delayed_comes_in_by_a_new_password(alice: User) -> None:
    guess(alice.email, 15)
    owner, new = Browser(), "a horse of another colour"
    owner.post("/accounts/password/reset/", {"email": alice.email})
    link = next(line for line in deliver_emails()[-1].body.splitlines() if line.startswith("http"))
    form = owner.get(link.removeprefix(django_settings.PUBLIC_URL))["Location"]
    owner.post(form, {"password1": new, "password2": new})
    assert sign_in(owner, alice.email, new).status_code == 302
    assert sign_in(Browser(), alice.email, new, address="198.51.100.1").status_code == 429


def test_question_who_acts_is_not_delayed_by_guessers_elsewhere(client: Browser, alice: User, clock: Any) -> None:
    client.force_login(alice)
    clock.shift(600)
    guess(alice.email, 15)
    assert client.post("/accounts/reauthenticate/", {"password": rows.PASSWORD})["Location"] == "/"


# IPv6


@pytest.mark.parametrize(
    ("addresses", "last"),
    [
        ("2001:db8:0:7::{:x}", 429),
        ("2001:db8:0:7:{:x}:ffff:0:1", 429),
        ("2001:db8:0:{:x}::1", 200),
        ("::ffff:192.0.2.{:d}", 200),
    ],
)
def test_network_of_ipv6_counts_as_one(client: Browser, alice: User, addresses: str, last: int) -> None:
    answers = [
        sign_in(Browser(), f"{number}@northwind.example", WRONG, address=addresses.format(number + 1)).status_code
        for number in range(61)
    ]
    assert answers == [200] * 60 + [last]


def token_with(client_id: str, ip: str) -> int:
    form = f"grant_type=client_credentials&client_id={client_id}&client_secret=wrong"
    kind = "application/x-www-form-urlencoded"
    return Browser().post("/oauth/token", form, content_type=kind, REMOTE_ADDR=ip).status_code


def test_network_of_ipv6_counts_as_one_for_tokens() -> None:
    client, _ = rows.make_client()
    answers = [token_with(client.client_id, f"2001:db8:0:7::{n:x}") for n in range(throttling.MAX_FAILURES + 1)]
    assert answers == [401] * throttling.MAX_FAILURES + [429]
    assert token_with(client.client_id, "2001:db8:0:8::1") == 401
    assert AuditEntry.objects.filter(action="token.refused").count() == 2


# The alarm


def fail(count: int, **more: Any) -> None:
    """Write failed sign-ins of as many accounts, and the last one by a request."""
    for number in range(count - 1):
        entry = {"action": "sign_in.failed", "subject": f"{number}@northwind.example", "ip": f"192.0.2.{number % 50}"}
        AuditEntry.objects.create(**entry | more)
    sign_in(Browser(), "last@northwind.example", WRONG, address="198.51.100.1")


def rows_of_the_overview() -> list[str]:
    return [issue.message for issue in overview.list_issues() if "sign-ins" in issue.message.lower()]


def test_spray_raises_the_alarm_once_an_hour(clock: Any) -> None:
    fail(99)
    assert (rows_of_the_overview(), AuditEntry.objects.filter(action="sign_in.alarm").count()) == ([], 0)
    sign_in(Browser(), "last@northwind.example", WRONG, address="198.51.100.1")
    sign_in(Browser(), "last@northwind.example", WRONG, address="198.51.100.1")
    entry = AuditEntry.objects.get(action="sign_in.alarm")
    assert (entry.subject, entry.detail) == ("sign-in", {"failures": 100, "accounts": 99, "ips": 51})
    [row] = rows_of_the_overview()
    assert row.startswith("Sign-ins failed on 99 accounts from 51 IP addresses in the last hour.")
    clock.shift(3601)
    fail(100)
    assert AuditEntry.objects.filter(action="sign_in.alarm").count() == 2


def test_alarm_on_the_overview_leads_to_the_attempts(staff_browser: Browser, clock: Any) -> None:
    fail(100)
    page = text(staff_browser.get("/admin/"))
    assert "Somebody may be guessing passwords." in page
    assert 'href="/admin/integrations/auditentry/?action=sign_in.failed"' in page
    assert "192.0.2.7" in text(staff_browser.get("/admin/integrations/auditentry/?action=sign_in.failed"))


def test_alarm_ends_an_hour_after_the_attempts(clock: Any) -> None:
    fail(100)
    clock.shift(3590)
    assert len(rows_of_the_overview()) == 1
    clock.shift(20)
    assert rows_of_the_overview() == []


def test_wrong_codes_raise_the_alarm_too() -> None:
    fail(100, action="sign_in.second_factor_failed")
    assert len(rows_of_the_overview()) == 1


def test_other_entries_raise_no_alarm() -> None:
    fail(100, action="sign_in.totp_activated")
    assert rows_of_the_overview() == []
