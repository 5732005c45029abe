"""Hostile visitors of pages for people; the numbers are those of tests/reliability/README.md."""

import re
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret, hotp_value, yield_hotp_counters_from_time
from django.test import Client as Browser
from django.urls import reverse

from integrations.models import AuditEntry, Connection, User
from orders import results
from orders.models import Order
from tests import rows
from tests.config.conftest import run_python
from tests.hostile import ODD_TEXTS
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.mailbox import deliver_emails
from tests.orders.bodies import place_order

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
OURS = "portal.vendor.example"


def test_one_password_tried_on_many_accounts_is_stopped_and_written_down(client: Browser, alice: User) -> None:
    """A4. The IP address is blocked, not the accounts: their owners can sign in from elsewhere."""
    statuses = [
        sign_in(client, f"user{n}@northwind.example", "Summer2026", address="192.0.2.66").status_code for n in range(62)
    ]
    assert (statuses[:60], statuses[60:]) == ([200] * 60, [429, 429])
    assert AuditEntry.objects.filter(action="sign_in.failed", ip="192.0.2.66").count() == 60
    assert sign_in(Browser(), alice.email, address="192.0.2.7").status_code == 302


@pytest.mark.parametrize(
    "host", ["evil.example", "portal.vendor.example.evil.example", "portal.vendor.example@evil.example", "a b", ""]
)
def test_host_that_is_not_ours_is_refused(client: Browser, alice: User, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = [OURS]
    for path in (RESET, "/", "/accounts/login/"):
        answer = client.post(path, {"email": alice.email}, HTTP_HOST=host)
        assert (answer.status_code, "evil" in text(answer)) == (400, False)
    assert deliver_emails() == []


def link_of(message: Any) -> str:
    [link] = re.findall(r"https?://\S+/password/reset/key/\S+", message.body)
    return str(link)


def test_forwarded_host_is_ignored_in_a_reset_mail(client: Browser, alice: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = [OURS]
    forged = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_FORWARDED": "host=evil.example",
        "HTTP_X_ORIGINAL_HOST": "evil.example",
    }
    client.post(RESET, {"email": alice.email}, HTTP_HOST=OURS, **forged)
    assert link_of(deliver_emails()[0]).split("/")[2] == "localhost:8000"


def path_of_reset(client: Browser, user: User) -> str:
    client.post(RESET, {"email": user.email})
    return "/" + link_of(deliver_emails()[-1]).split("/", 3)[3]


NEW = {"password1": "a new one, and long", "password2": "a new one, and long"}


def test_nobodys_mailbox_is_filled_by_asking_for_links(client: Browser, alice: User) -> None:
    statuses = [client.post(RESET, {"email": alice.email}).status_code for _ in range(8)]
    assert statuses == [302] * 8  # the owner, who may be among those who ask, is answered
    assert len(deliver_emails()) == 3


def test_reset_link_is_good_once(client: Browser, alice: User) -> None:
    path = path_of_reset(client, alice)
    form = client.get(path)["Location"]
    assert client.post(form, NEW).status_code == 302
    assert [Browser().get(path).status_code, client.post(form, NEW).status_code] == [400, 400]
    assert sign_in(Browser(), alice.email, NEW["password1"]).status_code == 302


def test_reset_link_dies_with_a_change_of_password(client: Browser, alice: User) -> None:
    path = path_of_reset(client, alice)
    alice.set_password("changed in the meantime")
    alice.save()
    assert client.get(path).status_code == 400


def test_reset_link_dies_after_an_hour(client: Browser, alice: User, time_machine: Any) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z")
    path = path_of_reset(client, alice)
    time_machine.move_to("2026-11-24T10:59:00Z")
    assert client.get(path).status_code == 302
    time_machine.move_to("2026-11-24T11:00:05Z")
    assert Browser().get(path).status_code == 400


def test_code_of_the_second_factor_is_good_once(client: Browser, staff: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(staff, secret)
    code = f"{hotp_value(secret, next(iter(yield_hotp_counters_from_time()))):06}"
    first, second = Browser(), Browser()
    for browser in (first, second):
        sign_in(browser, staff.email)
    assert first.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302
    assert "This code is wrong, or no longer valid. Try a new one." in text(
        second.post("/accounts/2fa/authenticate/", {"code": code})
    )
    assert second.get("/admin/").status_code == 302


def test_session_before_sign_in_is_worth_nothing_afterwards(client: Browser, alice: User) -> None:
    """C28: an attacker who planted a session in a browser is not signed in with its user (session fixation)."""
    client.get("/smartrecruiters/integration?companyId=northwind")
    planted = client.cookies["session"].value
    sign_in(client, alice.email)
    thief = Browser()
    thief.cookies["session"] = planted
    assert client.cookies["session"].value != planted
    assert thief.get("/").status_code == 302


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_form_that_another_site_posts_is_refused(alice: User, connection: Connection, origin: str) -> None:
    """C22: even with a valid token."""
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(alice)
    page = browser.get("/connections/northwind/disconnect").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    answer = browser.post("/connections/northwind/disconnect", {"csrfmiddlewaretoken": token}, HTTP_ORIGIN=origin)
    connection.refresh_from_db()
    assert (answer.status_code, connection.state) == (403, "live")
    assert browser.post("/connections/northwind/disconnect", {"csrfmiddlewaretoken": token}).status_code == 302


def test_settings_of_a_portal_at_https(tmp_path: Any) -> None:
    """A10, A19."""
    told = {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": "__Host-session",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "SECURE_HSTS_SECONDS": 31536000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "ALLOWED_HOSTS": [OURS],
        "DEBUG": False,
        "USE_X_FORWARDED_HOST": False,
    }
    code = f"from django.conf import settings; print({{name: getattr(settings, name) for name in {list(told)!r}}})"
    environment = {"PUBLIC_URL": f"https://{OURS}", "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = run_python("-c", code, PORTAL_DATA_DIR=str(tmp_path), **environment)
    assert done.stdout.strip() == str(told), done.stderr


@pytest.mark.parametrize(
    "path",
    ["/.git/HEAD", "/.env", "/static/", "/media/", "/media/x.pdf", "/files/", "/static/../config/settings.py",
     "/static/%2e%2e/config/settings.py", "/static/..%2fconfig/settings.py", "/var/secret_key", "/manage.py",
     "/server-status", "/admin/..;/", "/debug/", "/__debug__/", "/nope"],
)  # fmt: skip
def test_nothing_of_the_house_is_served(client: Browser, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (302, 404)
    assert [
        sign
        for sign in ("Traceback", "urlpatterns", "DATABASES", "ref: refs", "Django Version")
        if sign in text(answer)
    ] == []


def test_fault_of_ours_tells_nothing_of_the_house(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A17: a traceback would contain secrets."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("canary-17 SELECT * FROM secrets")

    from integrations.connections.views import home
    from orders import queries

    monkeypatch.setattr(home, "render", fail)
    monkeypatch.setattr(queries, "for_engine", fail)
    browser = Browser(raise_request_exception=False)
    browser.force_login(alice)
    page = browser.get("/")
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    program = browser.get("/api/vendor/v1/orders", HTTP_AUTHORIZATION=f"Bearer {rows.make_token()}")
    assert (program.status_code, program["Content-Type"], program.json()["status"]) == (
        500,
        "application/problem+json",
        500,
    )
    assert "frame-ancestors 'none'" in program["Content-Security-Policy"]
    for answer in (page, program):
        assert [sign for sign in ("canary", "SELECT", "Traceback", "RuntimeError", ".py") if sign in text(answer)] == []


@pytest.mark.parametrize(
    "path", ["/api/vendor/v1/orders", "/smartrecruiters/packages", "/api/vendor/v1/nope", "/smartrecruiters/nope"]
)
@pytest.mark.parametrize("accept", ["text/html", "*/*", "application/xml", "x", "text/html;q=0.9, */*;q=0.1"])
def test_program_that_asks_for_html_gets_json(db: None, engine_token: str, path: str, accept: str) -> None:
    """A20."""
    for extra in ("", "?format=api", "?format=html", "?format=admin"):
        answer = Browser().get(path + extra, HTTP_ACCEPT=accept, HTTP_AUTHORIZATION=f"Bearer {engine_token}")
        assert answer["Content-Type"] in ("application/json", "application/problem+json")
        assert "<" not in text(answer)


@pytest.fixture
def scripted(connection: Connection) -> Order:
    """Create an order with markup in every field that SmartRecruiters and the engine set."""
    rows.make_package(assessments=("logic",), name="<i>skills</i>")
    evil = "</script><img src=x onerror=alert(1)>"
    candidate = {
        "id": evil,
        "email": f"{evil}@x.example",
        "firstName": evil,
        "lastName": evil,
        "applicationLanguage": "en",
    }
    order = place_order(
        connection,
        candidate=candidate,
        requester={"userId": evil, "email": evil},
        job={"id": evil},
        fields={evil: evil},
        unknown=evil,
    )
    results.report(order.pk, {"status": "COMPLETED", "summary": evil, "score_label": evil, "name": evil}, by=evil)
    results.report(order.pk, {"summary": evil + evil}, by=evil, correction=evil)
    return order


def test_markup_in_what_came_is_shown_as_text(staff_browser: Browser, alice: User, scripted: Order) -> None:
    """A16."""
    customer = Browser()
    customer.force_login(alice)
    change = reverse("admin:orders_order_change", args=[scripted.pk])
    pages = [
        staff_browser.get(change),
        staff_browser.get("/admin/orders/order/"),
        staff_browser.get("/admin/outbox/delivery/"),
        staff_browser.get("/admin/"),
    ]
    pages += [customer.get("/orders"), customer.get("/"), Browser().get(f"/take/{scripted.link_token}")]
    pages += [staff_browser.get(reverse("admin:orders_order_history", args=[scripted.pk]))]
    for page in pages:
        assert page.status_code in (200, 410)
        assert [sign for sign in ("<img src=x", "</script><img", "<i>skills") if sign in page.content.decode()] == []
    assert "&lt;img src=x" in pages[0].content.decode()


@pytest.mark.parametrize("said", ODD_TEXTS)
def test_any_text_is_shown_as_it_is(staff_browser: Browser, connection: Connection, said: str) -> None:
    """O27: markup is neither evaluated nor stripped."""
    rows.make_package()
    order = place_order(
        connection, candidate={"email": "ada@lovelace.example", "firstName": said, "lastName": "Lovelace"}
    )
    order.refresh_from_db()
    assert order.candidate_first_name == said
    assert staff_browser.get(reverse("admin:orders_order_change", args=[order.pk])).status_code == 200
