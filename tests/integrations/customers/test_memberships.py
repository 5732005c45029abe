"""Memberships of a person in several customers, with a role in each, and access checks."""

from typing import Any

import pytest
from django.test import Client as Browser

from integrations.audit import SYSTEM, Actor
from integrations.connections.claims import decisions
from integrations.customers import memberships
from integrations.customers.memberships import MembershipError
from integrations.models import AuditEntry, Connection, Consent, Customer, Membership, User
from tests import rows

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def dora(customer: Customer, other_customer: Customer) -> User:
    """Return an administrator of Harbour Clinics who is a viewer of Northwind Retail."""
    dora = rows.make_user(other_customer, "dora@agency.example")
    rows.make_member(dora, customer, "viewer")
    return dora


@pytest.fixture
def browser(client: Browser, dora: User) -> Browser:
    client.force_login(dora)
    return client


def consent_page(browser: Browser, company: str) -> str:
    return browser.get(f"/smartrecruiters/integration?companyId={company}")["Location"]


def test_home_shows_one_organisation_at_a_time(
    browser: Browser, connection: Connection, other_connection: Connection, other_customer: Customer
) -> None:
    def seen() -> list[bool]:
        page = text(browser.get("/"))
        return [f">{company}<" in page for company in ("northwind", "harbour-clinics")]

    assert seen() == [False, True]
    browser.post("/organisation", {"organisation": connection.customer_id})
    assert seen() == [True, False]
    assert "selected>Northwind Retail<" in text(browser.get("/orders"))
    browser.post("/organisation", {"organisation": other_customer.pk})
    assert seen() == [False, True]


def test_switch_to_an_organisation_of_others_is_not_found(client: Browser, alice: User, charlie: User) -> None:
    client.force_login(alice)
    assert client.post("/organisation", {"organisation": charlie.customers.get().pk}).status_code == 404
    assert "Northwind Retail" in text(client.get("/"))


def test_switch_is_no_link(browser: Browser) -> None:
    assert browser.get("/organisation").status_code == 405


def test_home_of_one_organisation_offers_no_switch(client: Browser, alice: User) -> None:
    client.force_login(alice)
    assert "/organisation" not in text(client.get("/"))


def test_right_counts_in_its_own_organisation_alone(
    browser: Browser, connection: Connection, other_connection: Connection
) -> None:
    statuses = [
        browser.post(f"/connections/{company}/disconnect").status_code for company in ("northwind", "harbour-clinics")
    ]
    states = [*Connection.objects.order_by("company_id").values_list("company_id", "state")]
    assert statuses == [403, 302]
    assert states == [("harbour-clinics", "disabled"), ("northwind", "live")]


def test_person_who_was_removed_finds_nothing_any_more(
    browser: Browser, dora: User, other_connection: Connection, connection: Connection
) -> None:
    dora.memberships.filter(customer=other_connection.customer).delete()
    page = text(browser.get("/"))
    assert (">northwind<" in page, "harbour-clinics" in page) == (True, False)
    assert browser.post("/connections/harbour-clinics/disconnect").status_code == 404


def test_organisation_that_is_off_is_closed_and_the_other_is_not(
    browser: Browser, connection: Connection, other_connection: Connection
) -> None:
    Customer.objects.filter(pk=other_connection.customer_id).update(is_active=False)
    page = text(browser.get("/"))
    assert (">northwind<" in page, "harbour-clinics" in page) == (True, False)
    assert browser.post("/connections/harbour-clinics/disconnect").status_code == 404


# Consent


def test_consent_names_the_one_organisation_in_which_somebody_may_connect(browser: Browser) -> None:
    page = text(browser.get(consent_page(browser, "harbour")))
    assert ("Harbour Clinics" in page, "Northwind Retail" in page) == (True, False)


def test_consent_asks_for_which_of_several(browser: Browser, dora: User, customer: Customer) -> None:
    decisions.assign_company("northwind", customer, actor=SYSTEM)
    dora.memberships.update(role="administrator")
    page = consent_page(browser, "northwind")
    shown = text(browser.get(page))
    assert shown.count('type="radio" name="organisation"') == 2
    assert "Choose one of your organisations." in text(browser.post(page, {"decision": "approve"}))
    assert not Connection.objects.exists()
    assert browser.post(page, {"decision": "approve", "organisation": customer.pk}).status_code == 303
    assert Connection.objects.get().customer == customer
    assert Consent.objects.get().customer == customer


def test_consent_is_denied_without_choosing(browser: Browser, dora: User) -> None:
    dora.memberships.update(role="administrator")
    page = consent_page(browser, "northwind")
    assert "You chose “Deny”. Nothing was connected" in text(browser.post(page, {"decision": "deny"}))
    assert (Consent.objects.get().decision, Connection.objects.exists()) == ("deny", False)


@pytest.mark.parametrize("whose", ["viewed", "strange"])
def test_consent_is_not_given_for_an_organisation_without_the_right(
    browser: Browser, customer: Customer, whose: str
) -> None:
    chosen = customer if whose == "viewed" else rows.make_customer("Old Mill")
    page = consent_page(browser, "northwind")
    assert browser.post(page, {"decision": "approve", "organisation": chosen.pk}).status_code == 400
    assert not Connection.objects.exists()


# Verbs


def test_staff_become_nobodys_member(staff: User, customer: Customer) -> None:
    with pytest.raises(MembershipError, match="Partner staff cannot belong to a customer"):
        memberships.add_member(staff, customer, "viewer")
    Membership.objects.create(person=staff, customer=customer, role="administrator")
    assert list(memberships.active_memberships(staff)) == []


def test_last_administrator_is_neither_removed_nor_demoted(alice: User, bob: User) -> None:
    membership = alice.memberships.get()
    with pytest.raises(MembershipError, match="the last administrator of Northwind Retail"):
        memberships.remove_member(membership, actor=Actor(alice))
    with pytest.raises(MembershipError, match="the last administrator of Northwind Retail"):
        memberships.change_role(membership, "viewer", actor=Actor(alice))
    memberships.change_role(bob.memberships.get(), "administrator", actor=Actor(alice))
    memberships.remove_member(membership, actor=Actor(alice))
    assert [*Membership.objects.values_list("person__name", "role")] == [("Bob", "administrator")]


def test_administrator_who_is_switched_off_does_not_count(alice: User, bob: User) -> None:
    bob.memberships.update(role="administrator")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(MembershipError):
        memberships.remove_member(alice.memberships.get(), actor=Actor(alice))


def test_memberships_are_written_down(alice: User, customer: Customer, other_customer: Customer) -> None:
    membership = memberships.add_member(alice, other_customer, "viewer", actor=Actor(alice, "192.0.2.7"))
    memberships.add_member(alice, other_customer, "administrator", actor=Actor(alice))
    memberships.change_role(membership, "administrator", actor=Actor(alice))
    rows.make_user(other_customer, "charlie@harbour.example")
    memberships.remove_member(membership, actor=Actor(alice))
    entries = AuditEntry.objects.filter(action__startswith="membership.").order_by("pk")
    assert [(each.action, each.subject, each.detail["customer"], each.detail["role"]) for each in entries] == [
        ("membership.added", str(alice.pk), other_customer.pk, "viewer"),
        ("membership.changed", str(alice.pk), other_customer.pk, "administrator"),
        ("membership.removed", str(alice.pk), other_customer.pk, "administrator"),
    ]
