"""Grave actions ask again who acts, unless the user proved it in the last five minutes."""

from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.utils import quote
from django.test import Client as Browser

from integrations.models import AuditEntry, Client, Connection, Customer, Invitation, PartnerConfiguration, User
from tests import rows
from tests.integrations.accounts.test_mfa import code_of
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.integrations.admin.test_admin import configuration as configuration_form
from tests.orders.bodies import place_order
from tests.reauthentication import ASK, prove

pytestmark = pytest.mark.django_db
SIX_MINUTES = 360


@pytest.fixture
def clock(time_machine: Any) -> Any:
    time_machine.move_to("2026-11-24T08:00:00Z", tick=False)
    return time_machine


def is_asked(response: Any) -> bool:
    return bool(response.status_code == 302 and response["Location"].startswith(ASK))


def grave_pages(customer: Customer, bob: User) -> dict[str, dict[str, Any]]:
    """Return the path and form of each grave action, by who acts."""
    connection = rows.make_connection(customer, "northwind")
    engine, _ = rows.make_client()
    rows.make_package()
    order = place_order(connection)
    membership = bob.memberships.get()
    person = {"email": "bob@evil.example", "name": "Bob", "staff_role": "", "is_active": "on"}
    person |= {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    configuration = f"/admin/integrations/partnerconfiguration/{PartnerConfiguration.load().pk}/change/"
    of = "/admin/integrations"
    return {
        "alice": {
            "/people/invite": {"organisation": customer.pk, "email": "eve@evil.example", "role": "administrator"},
            f"/people/{membership.pk}/role": {"role": "administrator"},
            f"/people/{membership.pk}/remove": {},
            "/connections/northwind/disconnect": {},
            "/accounts/sessions/end/": {},
        },
        "staff": {
            f"{of}/user/{bob.pk}/change/": person,
            f"{of}/user/{bob.pk}/delete/": {"post": "yes"},
            f"{of}/client/add/": {"name": "eve"},
            f"{of}/client/{engine.pk}/act/renew/": {},
            f"{of}/client/{engine.pk}/act/revoke/": {},
            f"{of}/connection/{connection.pk}/act/disconnect/": {},
            f"{of}/customer/{quote(customer.pk)}/invite/": {"email": "eve@evil.example", "role": "administrator"},
            f"{of}/customer/{quote(customer.pk)}/change/": {"name": "Eve", "retention_days": "1", "language": "en"},
            f"/admin/orders/order/{quote(order.pk)}/act/erase/": {},
            f"/admin/orders/order/{quote(order.pk)}/act/export/": {"reason": "because"},
            configuration: configuration_form(master_client_id="eve", master_client_secret="eve's secret"),
        },
    }


@pytest.mark.parametrize("who", ["alice", "staff"])
def test_open_session_alone_does_nothing_grave(
    request: pytest.FixtureRequest,
    client: Browser,
    clock: Any,
    settings: Any,
    customer: Customer,
    bob: User,
    who: str,
) -> None:
    settings.SMARTRECRUITERS_CLIENT_ID = settings.SMARTRECRUITERS_CLIENT_SECRET = ""
    user = request.getfixturevalue(who)
    pages = grave_pages(customer, bob)[who]
    client.force_login(user)
    clock.shift(SIX_MINUTES)
    before = AuditEntry.objects.count()
    assert {path: is_asked(client.post(path, form)) for path, form in pages.items()} == dict.fromkeys(pages, True)
    assert AuditEntry.objects.count() == before
    states = (Connection.objects.get().state, bob.memberships.get().role, Invitation.objects.count())
    assert states == ("live", "viewer", 0)
    assert (Client.objects.filter(connection=None).count(), PartnerConfiguration.load().master_client_id) == (1, "")


def test_form_is_sent_on_once_the_password_is_given(
    client: Browser, clock: Any, customer: Customer, alice: User
) -> None:
    """A page that takes forms only, so that nothing but the form itself can be repeated."""
    client.force_login(alice)
    clock.shift(SIX_MINUTES)
    form = {"organisation": customer.pk, "email": "dora@northwind.example", "role": "viewer"}
    asked = client.post("/people/invite", form, follow=True)
    assert "confirm that you are alice@northwind.example. What you entered is kept." in text(asked)
    assert "Incorrect password" in text(prove(client, "wrong"))
    assert Invitation.objects.count() == 0
    assert prove(client)["Location"] == "/people"
    assert Invitation.objects.get().email == "dora@northwind.example"
    assert prove(client)["Location"] == "/"
    assert Invitation.objects.count() == 1


def test_form_of_a_page_with_a_query_is_sent_on(staff_browser: Browser, clock: Any, staff: User, bob: User) -> None:
    path = f"/admin/integrations/user/{bob.pk}/change/?_changelist_filters=q%3Dbob"
    browser = Browser()
    browser.force_login(staff)
    clock.shift(SIX_MINUTES)
    form = {"email": "robert@northwind.example", "name": "Robert", "staff_role": "", "is_active": "on"}
    inline = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0"}
    browser.post(path, form | {f"memberships-{name}": value for name, value in inline.items()})
    assert prove(browser).status_code == 302
    bob.refresh_from_db()
    assert (bob.email, bob.name) == ("robert@northwind.example", "Robert")


def test_abandoned_form_is_not_sent_after_another_question(
    client: Browser, clock: Any, connection: Connection, alice: User
) -> None:
    client.force_login(alice)
    clock.shift(SIX_MINUTES)
    path = f"/connections/{connection.company_id}/disconnect"
    client.post(path)
    asked = client.get(path)
    assert asked["Location"] == f"{ASK}?{urlencode({'next': path})}"
    assert prove(client, next=path)["Location"] == path
    connection.refresh_from_db()
    assert connection.state == "live"


def test_abandoned_form_is_not_sent_later(client: Browser, clock: Any, connection: Connection, alice: User) -> None:
    client.force_login(alice)
    clock.shift(SIX_MINUTES)
    client.post(f"/connections/{connection.company_id}/disconnect")
    clock.shift(SIX_MINUTES)
    assert prove(client)["Location"] == "/"
    connection.refresh_from_db()
    assert connection.state == "live"


def test_confirmation_page_asks_first(client: Browser, clock: Any, connection: Connection, staff: User) -> None:
    path = f"/admin/integrations/connection/{connection.pk}/act/disconnect/"
    client.force_login(staff)
    clock.shift(SIX_MINUTES)
    assert client.get(path)["Location"] == f"{ASK}?{urlencode({'next': path})}"
    assert prove(client, next=path)["Location"] == path
    assert "loses access immediately" in text(client.get(path))


def test_proof_counts_for_five_minutes(client: Browser, clock: Any, connection: Connection, alice: User) -> None:
    path = f"/connections/{connection.company_id}/disconnect"
    sign_in(client, alice.email)
    seen = []
    for _ in range(3):
        seen.append(client.get(path).status_code)
        clock.shift(150)
    assert seen == [200, 200, 302]
    prove(client)
    assert client.get(path).status_code == 200


def test_what_is_not_grave_asks_nothing(client: Browser, clock: Any, customer: Customer, alice: User) -> None:
    client.force_login(alice)
    clock.shift(SIX_MINUTES)
    answers = [client.get(path).status_code for path in ("/", "/people", "/orders/", "/accounts/2fa/")]
    assert answers == [200, 200, 200, 200]


def test_second_factor_is_a_proof(client: Browser, clock: Any, connection: Connection, alice: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    client.force_login(alice)
    clock.shift(SIX_MINUTES)
    path = f"/connections/{connection.company_id}/disconnect"
    page = client.get(path, follow=True)
    assert "Use authenticator app or code" in text(page)
    assert client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret), "next": path})["Location"] == path
    assert client.get(path).status_code == 200


def test_person_of_whom_nothing_can_be_asked_may_not(client: Browser, clock: Any, staff: User) -> None:
    staff.set_unusable_password()
    staff.save()
    client.force_login(staff)
    clock.shift(SIX_MINUTES)
    assert client.post("/admin/integrations/client/add/", {"name": "eve"}).status_code == 403


def test_viewer_is_refused_before_the_question(client: Browser, clock: Any, bob: User) -> None:
    viewer = rows.make_user(None, "victor@vendor.example", role="viewer")
    client.force_login(viewer)
    clock.shift(SIX_MINUTES)
    assert client.post(f"/admin/integrations/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 403
