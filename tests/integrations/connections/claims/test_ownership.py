"""Ownership of companies: who has to be confirmed by staff, and who has a company already."""

import pytest

from integrations.audit import SYSTEM, Actor
from integrations.connections import lifecycle
from integrations.connections.claims import decisions, ownership
from integrations.models import (
    Client,
    CompanyConfirmation,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    Customer,
    DisplayMode,
    PartnerConfiguration,
    User,
)
from integrations.outbox.models import Delivery
from tests import rows

pytestmark = pytest.mark.django_db


def configure(rule: str) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(company_confirmation=rule)


def approve(by: User, company: str = "northwind") -> ConnectAttempt | None:
    consent = Consent.objects.create(company_id=company, mode=DisplayMode.REDIRECT)
    return lifecycle.approve_consent(consent, actor=Actor(by), customer=by.customers.get())


@pytest.mark.parametrize(
    ("rule", "has_another", "skips", "needs"),
    [
        (CompanyConfirmation.AUTOMATIC, False, False, False),
        (CompanyConfirmation.AUTOMATIC, True, False, True),
        (CompanyConfirmation.AUTOMATIC, True, True, False),
        (CompanyConfirmation.ALWAYS, False, False, True),
        (CompanyConfirmation.ALWAYS, True, True, False),
        (CompanyConfirmation.NEVER, True, False, False),
    ],
)
def test_confirmation_is_needed_by_rule_once_there_are_two_customers(
    alice: User, rule: str, has_another: bool, skips: bool, needs: bool
) -> None:
    configure(rule)
    if has_another:
        rows.make_customer("Harbour Clinics")
    Customer.objects.filter(people=alice).update(skips_confirmation=skips)
    assert ownership.needs_confirmation("northwind", alice.customers.get()) == needs
    attempt = approve(alice)
    assert (attempt is None, Client.objects.count(), Delivery.objects.filter(kind="exchange").count()) == (
        *(needs, int(not needs), int(not needs)),
    )


@pytest.mark.parametrize("company", ["northwind", "Northwind", "NORTHWIND"])
def test_company_that_is_assigned_needs_no_confirmation(alice: User, other_customer: Customer, company: str) -> None:
    """Whether SmartRecruiters tells ids apart by case is unknown."""
    decisions.assign_company("northwind", alice.customers.get(), actor=SYSTEM)
    assert approve(alice, company) is not None


@pytest.mark.parametrize("state", [ConnectionState.LIVE, ConnectionState.NEEDS_RECONNECT, ConnectionState.DISABLED])
def test_earlier_connection_of_the_customer_counts_as_assignment(
    alice: User, other_customer: Customer, connection: Connection, state: str
) -> None:
    Connection.objects.update(state=state)
    assert ownership.find_owner("northwind") == connection.customer
    assert approve(alice) is not None


def test_customer_disconnects_and_connects_again_without_confirmation(
    alice: User, other_customer: Customer, connection: Connection
) -> None:
    lifecycle.disable_connection(connection)
    attempt = approve(alice)
    assert attempt is not None
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs-2", "their-secret")
    assert Connection.objects.get().state == ConnectionState.LIVE


@pytest.mark.parametrize("company", ["northwind", "NorthWind", "NORTHWIND"])
@pytest.mark.parametrize("is_connected", [True, False])
def test_company_of_another_customer_is_taken_in_any_spelling(
    customer: Customer, charlie: User, company: str, is_connected: bool
) -> None:
    if is_connected:
        rows.make_connection(customer, "northwind")
    else:
        decisions.assign_company("northwind", customer, actor=SYSTEM)
    with pytest.raises(lifecycle.CompanyTakenError):
        approve(charlie, company)
    assert Consent.objects.get().decision == ""


@pytest.mark.parametrize(
    ("attempts", "is_free"),
    [
        ([], True),
        (["refused"], True),
        (["refused", "disabled"], True),  # cancelled while the exchange was on its way
        (["approved"], False),
        (["refused", "exchanging"], False),
        (["needs_reconnect", "disabled"], False),  # the response was lost, so the company had consented
    ],
)
def test_company_is_free_while_every_attempt_came_to_nothing(
    customer: Customer, attempts: list[str], is_free: bool
) -> None:
    connection = Connection.objects.create(company_id="northwind", customer=customer, state=ConnectionState.DISABLED)
    for number, state in enumerate(attempts):
        ConnectAttempt.objects.create(connection=connection, state=state, client_id_sent=f"c{number}")
    assert (ownership.find_owner("northwind") is None) == is_free


def test_company_that_was_approved_and_disconnected_before_it_went_live_is_free(alice: User, charlie: User) -> None:
    """Squatting while SmartRecruiters is away: the exchange waits, and the squatter disconnects."""
    configure(CompanyConfirmation.NEVER)
    attempt = approve(charlie)
    assert attempt is not None
    lifecycle.disable_connection(attempt.connection)
    assert approve(alice) is not None
    assert Connection.objects.get().customer == alice.customers.get()
