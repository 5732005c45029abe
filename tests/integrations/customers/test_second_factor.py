"""A customer may require a second factor of its people: without one, they have no access to it."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.admin.utils import quote
from django.test import Client as Browser

from integrations.audit import Actor
from integrations.customers import memberships
from integrations.models import AuditEntry, Connection, Customer, User
from tests import rows
from tests.integrations.accounts.test_mfa import code_of
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
SETTING = "/people/second-factor"
SET_UP = "/accounts/2fa/"
NEEDED = "Northwind Retail requires a second factor."


@pytest.fixture
def strict(customer: Customer) -> Customer:
    """Let Northwind require a second factor."""
    customer.requires_second_factor = True
    customer.save()
    return customer


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def require(browser: Browser, customer: Customer, required: str = "1") -> Any:
    return browser.post(SETTING, {"organisation": customer.pk, "required": required})


# Enforcement


def test_person_without_one_is_led_to_set_it_up(client: Browser, strict: Customer, alice: User) -> None:
    sign_in(client, alice.email)
    for page in ("/", "/people", "/orders"):
        answer = client.get(page, follow=True)
        assert answer.redirect_chain[-1] == (SET_UP, 302)
        assert f"{NEEDED} Set up an app or a passkey to continue." in text(answer)


def test_person_goes_on_once_it_is_set_up(client: Browser, strict: Customer, alice: User) -> None:
    sign_in(client, alice.email)
    secret = client.get(f"{SET_UP}totp/activate/").context["form"].secret
    client.post(f"{SET_UP}totp/activate/", {"code": code_of(secret)})
    assert client.get("/").status_code == 200
    assert NEEDED not in text(client.get(SET_UP))


@pytest.mark.parametrize("kind", ["totp", "webauthn"])
def test_app_or_passkey_will_do(strict: Customer, alice: User, kind: str) -> None:
    Authenticator.objects.create(user=alice, type=kind, data={"name": "Key", "credential": {}, "secret": "x"})
    assert signed_in(alice).get("/people").status_code == 200


def test_recovery_codes_alone_will_not_do(strict: Customer, alice: User) -> None:
    RecoveryCodes.activate(alice)
    assert signed_in(alice).get("/people", follow=True).redirect_chain[-1][0] == SET_UP


def test_second_factor_of_another_person_will_not_do(strict: Customer, alice: User, bob: User) -> None:
    TOTP.activate(bob, generate_totp_secret())
    assert signed_in(alice).get("/people", follow=True).redirect_chain[-1][0] == SET_UP


def test_who_takes_it_away_again_has_no_access(client: Browser, strict: Customer, alice: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    client.force_login(alice)
    assert client.get("/people").status_code == 200
    Authenticator.objects.all().delete()
    assert client.get("/people", follow=True).redirect_chain[-1][0] == SET_UP


def test_other_organisations_stay_open(strict: Customer, alice: User, other_customer: Customer) -> None:
    rows.make_member(alice, other_customer)
    page = text(signed_in(alice).get("/"))
    assert ("Harbour Clinics" in page, f"{NEEDED} <a" in page) == (True, True)
    assert "Organisation</label>" not in page


def test_customer_that_is_off_asks_for_nothing(strict: Customer, alice: User, other_customer: Customer) -> None:
    rows.make_member(alice, other_customer)
    Customer.objects.filter(pk=strict.pk).update(is_active=False)
    assert NEEDED not in text(signed_in(alice).get("/"))


def test_staff_are_not_concerned(strict: Customer, staff_browser: Browser) -> None:
    assert staff_browser.get("/admin/").status_code == 200


def test_consent_waits_for_it(client: Browser, strict: Customer, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/smartrecruiters/integration?companyId=northwind", follow=True)
    assert page.status_code == 403
    assert f'{NEEDED} <a href="{SET_UP}" target="_blank">Set up an app or a passkey</a>, then reload' in text(page)
    address = page.redirect_chain[-1][0]
    assert client.post(address, {"decision": "approve", "organisation": strict.pk}).status_code == 403
    assert Connection.objects.count() == 0
    TOTP.activate(alice, generate_totp_secret())
    assert "Approve" in text(client.get(address))


# The setting


def test_administrator_of_the_customer_sets_it(customer: Customer, alice: User, bob: User) -> None:
    TOTP.activate(alice, generate_totp_secret())
    browser = signed_in(alice)
    page = text(browser.get("/people"))
    assert "Require a second factor</button>" in page
    assert [part.partition("</td>")[0] for part in page.split('data-label="Second factor">')[1:]] == ["On", "Off"]
    assert require(browser, customer)["Location"] == "/people"
    assert "Northwind Retail now requires a second factor." in text(browser.get("/people"))
    assert signed_in(bob).get("/", follow=True).redirect_chain[-1][0] == SET_UP
    require(browser, customer, "0")
    assert "Northwind Retail no longer requires a second factor." in text(browser.get("/people"))
    assert signed_in(bob).get("/").status_code == 200
    found = AuditEntry.objects.filter(action="customer.changed").order_by("pk")
    assert [(each.subject, each.actor, each.detail["requires_second_factor"]) for each in found] == [
        (customer.pk, alice, True),
        (customer.pk, alice, False),
    ]


def test_setting_that_is_set_already_is_no_change(customer: Customer, alice: User) -> None:
    memberships.require_second_factor(customer, False, actor=Actor(alice))
    assert not AuditEntry.objects.filter(action="customer.changed").exists()


def test_viewers_and_others_do_not_set_it(customer: Customer, bob: User, charlie: User, staff: User) -> None:
    assert "Require a second factor" not in text(signed_in(bob).get("/people"))
    assert [require(signed_in(user), customer).status_code for user in (bob, charlie, staff)] == [403, 404, 404]
    customer.refresh_from_db()
    assert not customer.requires_second_factor


def test_setting_asks_again_who_acts(client: Browser, customer: Customer, alice: User) -> None:
    client.force_login(alice)
    forget_proof(client)
    assert require(client, customer)["Location"] == "/accounts/reauthenticate/"
    customer.refresh_from_db()
    assert not customer.requires_second_factor


def test_staff_set_it(staff_browser: Browser, customer: Customer, alice: User) -> None:
    form = {"name": customer.name, "is_active": "on", "requires_second_factor": "on", "language": "en"}
    path = f"/admin/integrations/customer/{quote(customer.pk)}/change/"
    for inline in re.findall(r'name="([a-z_]+)-TOTAL_FORMS"', text(staff_browser.get(path))):
        form |= {f"{inline}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    assert staff_browser.post(path, form).status_code == 302
    assert signed_in(alice).get("/people", follow=True).redirect_chain[-1][0] == SET_UP


def test_access_is_checked_without_another_query(strict: Customer, alice: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert list(memberships.active_memberships(alice)) == []
