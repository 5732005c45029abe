"""Companies that change hands: staff move one that the wrong customer connected; one whose customer left is free."""

from typing import Any

import pytest
from django.test import Client as Browser

from assessments.models import Package
from integrations.audit import SYSTEM, Actor
from integrations.connections import lifecycle
from integrations.connections.claims import decisions, ownership
from integrations.models import (
    AuditEntry,
    ClaimState,
    CompanyClaim,
    Connection,
    ConnectionState,
    Customer,
    User,
)
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState
from orders.models import Order
from orders.privacy import offboarding
from tests import rows
from tests.integrations.connections.claims.test_decisions import get_claim
from tests.integrations.connections.claims.test_ownership import approve, configure
from tests.integrations.connections.test_consent import text, visit
from tests.orders import bodies
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
REASON = "Harbour Clinics showed the contract."


@pytest.fixture
def package(db: None) -> Package:
    return rows.make_package("skills")


def move_url(connection: Connection) -> str:
    return f"/admin/integrations/connection/{connection.pk}/act/move/"


def move(browser: Browser, connection: Connection, to: Customer, **fields: str) -> Any:
    return browser.post(move_url(connection), {"choice": to.pk, "reason": REASON, **fields}, follow=True)


def test_page_says_what_moving_does(
    staff_browser: Browser, package: Any, connection: Connection, other_customer: Customer
) -> None:
    bodies.place_order(connection)
    page = text(staff_browser.get(move_url(connection)))
    for said in (
        "Northwind Retail is disconnected immediately",
        "What Northwind Retail received stays with it, and only its people see it: 1 order, with results and reports.",
        "Results that were not sent yet are not sent any more.",
        "northwind belongs to the new customer.",
        f'<option value="{other_customer.pk}">Harbour Clinics</option>',
    ):
        assert said in page
    assert connection.customer.pk not in page.partition('<select name="choice"')[2].partition("</select>")[0]


def test_company_is_moved_and_its_rightful_customer_connects_it(
    staff_browser: Browser,
    staff: User,
    package: Any,
    connection: Connection,
    alice: User,
    charlie: User,
    smartrecruiters: Any,
) -> None:
    """Nothing of what Northwind received is Harbour's, nor the other way round."""
    decisions.assign_company("northwind", connection.customer, actor=SYSTEM)
    order = bodies.place_order(connection)
    unsent = deliveries.enqueue("result", stream=connection.stream_name, key=f"result:{order.pk}", subject=order.pk)
    answer = move(staff_browser, connection, charlie.customers.get())
    assert "The company northwind belongs to Harbour Clinics now" in text(answer)
    connection.refresh_from_db(), unsent.refresh_from_db()
    assert (connection.state, connection.customer.name, connection.released_at is not None) == (
        *(ConnectionState.DISABLED, "Northwind Retail", True),
    )
    assert (unsent.state, unsent.reason) == (DeliveryState.SUPERSEDED, "the company was given to another customer")
    assert smartrecruiters.get("/smartrecruiters/packages").status_code == 401
    assert [*CompanyClaim.objects.values_list("customer__name", "state")] == [("Harbour Clinics", ClaimState.ASSIGNED)]
    entry = AuditEntry.objects.get(action="company.moved")
    parties = {"former_customer": alice.customers.get().pk, "customer": charlie.customers.get().pk}
    assert (entry.actor, entry.subject, entry.detail) == (staff, "northwind", {**parties, "reason": REASON})

    with pytest.raises(lifecycle.CompanyTakenError):
        approve(alice)
    attempt = approve(charlie)
    assert attempt is not None
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs-2", "their-secret")
    assert [*Connection.objects.order_by("pk").values_list("customer__name", "company_id", "state")] == [
        ("Northwind Retail", "northwind", "disabled"),
        ("Harbour Clinics", "northwind", "live"),
    ]
    assert Order.objects.get().connection.customer.name == "Northwind Retail"
    seen = []
    for person in (alice, charlie):
        browser = Browser()
        browser.force_login(person)
        has_order = order.candidate_last_name in text(browser.get("/orders"))
        seen.append((has_order, "/connections/northwind/" in text(browser.get("/"))))
    assert seen == [(True, False), (False, True)]
    assert text(staff_browser.get(f"/admin/orders/order/{order.pk}/change/")).count("Harbour Clinics") == 0


def test_company_is_moved_back(staff: User, connection: Connection, alice: User, charlie: User) -> None:
    decisions.move_company(connection, charlie.customers.get(), actor=Actor(staff), reason=REASON)
    attempt = approve(charlie)
    assert attempt is not None
    decisions.move_company(attempt.connection, alice.customers.get(), actor=Actor(staff), reason="Wrong after all.")
    assert approve(alice) is not None
    assert Connection.objects.filter(released_at=None).get().customer == alice.customers.get()
    with pytest.raises(decisions.MoveError):
        decisions.move_company(connection, charlie.customers.get(), actor=Actor(staff), reason="Stale page.")


def test_request_of_the_rightful_customer_that_waits_goes_on(
    staff: User, connection: Connection, alice: User, charlie: User
) -> None:
    """They asked before the wrong customer, which needed no confirmation, connected the company."""
    rows.make_claim(charlie.customers.get())
    claim = get_claim(charlie)
    decisions.move_company(connection, charlie.customers.get(), actor=Actor(staff), reason=REASON)
    claim.refresh_from_db()
    assert (claim.state, ownership.find_owner("northwind")) == (ClaimState.ASSIGNED, charlie.customers.get())


def test_disconnecting_in_smartrecruiters_after_a_move_is_idempotent(
    staff: User, connection: Connection, other_customer: Customer
) -> None:
    decisions.move_company(connection, other_customer, actor=Actor(staff), reason=REASON)
    key = rows.PartnerConfiguration.load().disable_key
    url = f"/smartrecruiters/{key}/integrations/companies/northwind"
    assert Browser().delete(url).status_code == 204


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"choice": ""}, "Nothing was changed. Choose the new customer first."),
        ({"choice": "cus_unknown"}, "Nothing was changed. Choose the new customer first."),
        ({"reason": " "}, "Nothing was changed. Enter a reason first."),
    ],
)
def test_move_needs_a_customer_and_a_reason(
    staff_browser: Browser, connection: Connection, other_customer: Customer, fields: dict[str, str], said: str
) -> None:
    assert said in text(move(staff_browser, connection, other_customer, **fields))
    connection.refresh_from_db()
    assert (connection.state, CompanyClaim.objects.count()) == ("live", 0)


def test_move_asks_again_who_acts(staff_browser: Browser, connection: Connection, other_customer: Customer) -> None:
    forget_proof(staff_browser)
    answer = staff_browser.post(move_url(connection), {"choice": other_customer.pk, "reason": REASON})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert Connection.objects.get().released_at is None


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_move_is_for_administrators(
    client: Browser, connection: Connection, other_customer: Customer, role: str
) -> None:
    client.force_login(rows.make_user(None, "sam@vendor.example", role=role))
    assert move(client, connection, other_customer).status_code == 403


# A customer that left, or was switched off


def leave(customer: Customer) -> None:
    offboarding.deactivate_customer(customer)


@pytest.mark.parametrize("is_confirmed_by_staff", [True, False])
def test_company_of_a_customer_that_left_is_free(
    client: Browser, staff: User, package: Any, connection: Connection, charlie: User, is_confirmed_by_staff: bool
) -> None:
    order = bodies.place_order(connection)
    decisions.assign_company("northwind", connection.customer, actor=SYSTEM)
    leave(connection.customer)
    client.force_login(charlie)
    assert "belongs to another organisation" not in text(
        client.get(f"/smartrecruiters/integration/{visit(client).key}")
    )
    assert approve(charlie) is None, "it waits for staff"
    if is_confirmed_by_staff:
        decisions.assign_company("northwind", charlie.customers.get(), actor=Actor(staff))
    else:
        configure("never")
        assert approve(charlie) is not None
    assert [*Connection.objects.order_by("pk").values_list("customer__name", "state")] == [
        ("Northwind Retail", "disabled"),
        ("Harbour Clinics", "approved"),
    ]
    order.refresh_from_db()
    assert order.connection.customer.name == "Northwind Retail"


def test_requests_of_a_customer_that_left_end(staff_browser: Browser, alice: User, other_customer: Customer) -> None:
    approve(alice)
    leave(alice.customers.get())
    assert (CompanyClaim.objects.count(), "asks to connect" in text(staff_browser.get("/admin/"))) == (0, False)


@pytest.mark.parametrize(
    ("state", "is_free"),
    [("live", False), ("needs_reconnect", False), ("disabled", True)],
)
def test_customer_that_is_switched_off_keeps_what_is_connected(
    connection: Connection, other_customer: Customer, state: str, is_free: bool
) -> None:
    """Its orders go on, until staff disconnect it. Otherwise others could take what still works."""
    Connection.objects.update(state=state)
    Customer.objects.filter(pk=connection.customer_id).update(is_active=False)
    assert (ownership.find_owner("northwind") is None) == is_free


def test_assignment_of_a_customer_that_is_switched_off_gives_way(customer: Customer, other_customer: Customer) -> None:
    decisions.assign_company("northwind", customer, actor=SYSTEM)
    Customer.objects.filter(pk=customer.pk).update(is_active=False)
    decisions.assign_company("northwind", other_customer, actor=SYSTEM)
    assert [claim.customer for claim in CompanyClaim.objects.all()] == [other_customer]
    Customer.objects.filter(pk=customer.pk).update(is_active=True)
    assert ownership.find_owner("northwind") == other_customer


def test_customer_that_is_switched_on_again_has_its_company(connection: Connection, other_customer: Customer) -> None:
    lifecycle.disable_connection(connection)
    for is_active in (False, True):
        Customer.objects.filter(pk=connection.customer_id).update(is_active=is_active)
    assert ownership.find_owner("northwind") == connection.customer
    assert Delivery.objects.count() == 0
