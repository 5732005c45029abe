"""Login: email and password, rate limits, second factor, inactive users."""

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client as Browser

from integrations.models import AuditEntry, Customer, User
from integrations.outbox.models import Delivery
from tests import rows
from tests.mailbox import deliver_emails

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/login/"


def sign_in(browser: Browser, email: str, password: str = rows.PASSWORD, **more: Any) -> Any:
    address = more.pop("address", "127.0.0.1")
    return browser.post(SIGN_IN, {"login": email, "password": password, **more}, REMOTE_ADDR=address)


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_page_has_the_fields_that_programs_know(client: Browser) -> None:
    page = text(client.get(SIGN_IN))
    assert ('name="login"' in page, 'name="password"' in page) == (True, True)


@pytest.mark.parametrize(("shown_in", "begins"), [("document", True), ("iframe", False)])
def test_page_begins_in_its_first_field_unless_framed(client: Browser, shown_in: str, begins: bool) -> None:
    page = text(client.get(SIGN_IN, HTTP_SEC_FETCH_DEST=shown_in))
    assert ("autofocus" in page, "placeholder" in page) == (begins, False)
    assert "Email address</label>" in page


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("/", "Sign in to continue."),
        ("/admin/orders/order/", "For the staff of Assessments."),
        ("/smartrecruiters/integration/x", "Next you see what SmartRecruiters asks for."),
    ],
)
def test_page_says_what_it_leads_to(client: Browser, wanted: str, said: str) -> None:
    assert said in text(client.get(SIGN_IN, {"next": wanted}))


def test_password_is_changed_where_the_page_says_so(client: Browser, alice: User) -> None:
    client.force_login(alice)
    page = text(client.get("/accounts/password/change/"))
    for label in ("Current password", "New password", "Repeat password"):
        assert f"{label}</label>" in page
    assert 'aria-current="page">Password</a>' in page


@pytest.mark.parametrize(("who", "place"), [("alice", "/"), ("staff", "/admin/")])
def test_sign_in_leads_to_the_own_place(client: Browser, request: pytest.FixtureRequest, who: str, place: str) -> None:
    assert sign_in(client, request.getfixturevalue(who).email)["Location"] == place


def test_sign_in_takes_the_address_in_any_case(client: Browser, alice: User) -> None:
    assert sign_in(client, "ALICE@Northwind.Example")["Location"] == "/"


def test_sign_in_never_leads_to_another_site(client: Browser, alice: User) -> None:
    assert sign_in(client, alice.email, next="https://evil.example/")["Location"] == "/"


def test_sign_in_gives_a_new_session(client: Browser, alice: User) -> None:
    client.get("/smartrecruiters/integration?companyId=northwind")
    before = client.session.session_key
    sign_in(client, alice.email)
    assert client.session.session_key != before


@pytest.mark.parametrize("email", ["alice@northwind.example", "nobody@northwind.example"])
def test_wrong_password_and_unknown_account_look_the_same(client: Browser, alice: User, email: str) -> None:
    response = sign_in(client, email, "wrong")
    assert response.status_code == 200
    assert "The email address or password is wrong." in text(response)
    assert AuditEntry.objects.get(action="sign_in.failed").subject == email


def test_guesser_is_stopped_and_the_owner_in_a_known_browser_is_not(client: Browser, alice: User) -> None:
    hers = Browser()
    sign_in(hers, alice.email, address="192.0.2.7")
    hers.post("/accounts/logout/")
    statuses = [sign_in(client, alice.email, "wrong", address="192.0.2.66").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    stopped = sign_in(client, alice.email, address="192.0.2.66")
    assert (stopped.status_code, stopped["Retry-After"]) == (429, "60")
    assert "Too many attempts" in text(stopped)
    assert sign_in(hers, alice.email, address="192.0.2.7").status_code == 302


def test_user_of_a_customer_that_is_off_does_not_get_in(client: Browser, alice: User, customer: Customer) -> None:
    Customer.objects.update(is_active=False)
    assert sign_in(client, alice.email)["Location"] == "/accounts/inactive/"
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("switched_off", ["user", "customer"])
def test_session_ends_with_the_account(client: Browser, alice: User, switched_off: str) -> None:
    client.force_login(alice)
    assert client.get("/").status_code == 200
    (User if switched_off == "user" else Customer).objects.update(is_active=False)
    assert client.get("/")["Location"] == "/accounts/login/?next=/"


def test_nobody_signs_up(client: Browser) -> None:
    form = {"email": "eve@evil.example", "password1": rows.PASSWORD, "password2": rows.PASSWORD}
    assert "by invitation" in text(client.post("/accounts/signup/", form))
    assert User.objects.count() == 0


@pytest.mark.parametrize("email", ["alice@northwind.example", "nobody@northwind.example"])
def test_password_reset_tells_nobody_who_has_an_account(client: Browser, alice: User, email: str) -> None:
    assert client.post("/accounts/password/reset/", {"email": email})["Location"] == "/accounts/password/reset/done/"
    assert [message.to for message in deliver_emails()] == [[email]]


def test_own_address_is_not_changed_here(client: Browser, alice: User) -> None:
    client.force_login(alice)
    client.post("/accounts/email/", {"action_add": "", "email": "eve@evil.example"})
    alice.refresh_from_db()
    assert (alice.email, alice.emailaddress_set.count()) == ("alice@northwind.example", 0)


def test_admin_leads_to_the_one_sign_in_and_back(client: Browser, staff: User) -> None:
    response = client.get("/admin/orders/order/", follow=True)
    assert response.redirect_chain[-1][0] == "/accounts/login/?next=%2Fadmin%2Forders%2Forder%2F"
    assert sign_in(client, staff.email, next="/admin/orders/order/")["Location"] == "/admin/orders/order/"
    assert client.get("/admin/login/?next=/admin/orders/order/")["Location"] == "/admin/orders/order/"


def test_admin_is_closed_to_customers(client: Browser, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/"


def test_staff_must_set_up_a_second_factor_where_it_is_required(client: Browser, staff: User, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    client.force_login(staff)
    assert client.get("/admin/")["Location"] == "/accounts/2fa/"
    assert "Staff need a second factor. Set up an app or a passkey" in text(client.get("/accounts/2fa/"))


def test_staff_are_told_that_they_need_no_second_factor_where_it_is_optional(
    staff_browser: Browser, settings: Any
) -> None:
    settings.STAFF_MFA = "optional"
    page = text(staff_browser.get("/accounts/2fa/"))
    assert ("Staff need a second factor" in page, "This is optional here, because the portal" in page) == (False, True)
    assert "Staff need a second factor" not in text(staff_browser.get("/accounts/2fa/totp/activate/", follow=True))


def test_second_factor_is_asked_for(client: Browser, staff: User, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    TOTP.activate(staff, generate_totp_secret())
    assert sign_in(client, staff.email)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/admin/").status_code == 302
    assert "This code is wrong" in text(client.post("/accounts/2fa/authenticate/", {"code": "000000"}))


@pytest.mark.parametrize("path", ["/", "/nope", "/accounts/login/", "/admin/", "/brand.css", "/healthz"])
def test_every_answer_forbids_framing(client: Browser, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_pages_load_nothing_from_elsewhere(client: Browser, alice: User) -> None:
    client.force_login(alice)
    pages = [text(client.get(path)) for path in ("/", "/accounts/2fa/", "/accounts/password/change/", "/nope")]
    assert ["http://" in page or "https://" in page for page in pages] == [False] * 4
    assert ["style=" in page for page in pages] == [False] * 4


def test_forwarded_address_counts_from_a_trusted_proxy_only(client: Browser, alice: User, settings: Any) -> None:
    forged = {"X-Forwarded-For": "192.0.2.7"}
    client.post(SIGN_IN, {"login": alice.email, "password": "wrong"}, headers=forged)
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    client.post(SIGN_IN, {"login": alice.email, "password": "wrong"}, headers=forged)
    assert [entry.ip for entry in AuditEntry.objects.order_by("pk")] == ["127.0.0.1", "192.0.2.7"]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:61234", "192.0.2.7"),
        ("[2001:db8::7]:61234", "2001:db8::7"),
        ("[2001:db8::7]", "127.0.0.1"),
        ("2001:DB8::7", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
        ("evil, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, evil", "127.0.0.1"),
        ("192.0.2.7, evil, 127.0.0.2", "127.0.0.2"),
        ("192.0.2.7, 127.0.0.2", "192.0.2.7"),
        ("unknown", "127.0.0.1"),
        ("' OR 1=1--", "127.0.0.1"),
        ("1" * 5000, "127.0.0.1"),
        (",,,", "127.0.0.1"),
    ],
)
def test_forwarded_word_that_is_no_address_is_nobodys(
    client: Browser, alice: User, settings: Any, forwarded: str, address: str
) -> None:
    """PostgreSQL stores valid IP addresses only, so any other value would break the audit log."""
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    client.post(SIGN_IN, {"login": alice.email, "password": "wrong"}, headers={"X-Forwarded-For": forwarded})
    assert AuditEntry.objects.get().ip == address


def test_reset_answers_the_same_while_the_mail_server_is_down(client: Browser, alice: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    for email in (alice.email, "nobody@northwind.example"):
        answer = client.post("/accounts/password/reset/", {"email": email})
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/reset/done/")
    assert Delivery.objects.filter(kind="account").count() == 2


def test_reset_link_stands_nowhere_in_the_database(client: Browser, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": alice.email})
    delivery = Delivery.objects.get()
    kept = str([*Delivery.objects.values()])
    [message] = deliver_emails()
    link = next(line for line in message.body.splitlines() if line.startswith("http"))
    assert link.startswith("http://localhost:8000/accounts/password/reset/key/")
    assert (link.split("/")[-2] in kept, alice.email in kept, delivery.payload["sealed"] != "") == (False, False, True)
    assert Delivery.objects.get().payload["sealed"] == ""


def test_reset_is_written_in_the_language_of_the_organisation(client: Browser, alice: User) -> None:
    Customer.objects.update(language="de")
    client.post("/accounts/password/reset/", {"email": alice.email})
    assert deliver_emails()[0].subject == "Passwort für Assessments zurücksetzen"


def test_neighbour_at_the_same_address_is_not_locked_out(client: Browser, alice: User, bob: User) -> None:
    statuses = [sign_in(client, bob.email, "wrong").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert sign_in(Browser(), alice.email)["Location"] == "/"
