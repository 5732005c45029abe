"""Requests to connect that wait for staff: confirm, deny, withdraw, expire, and two for one company."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations import tasks
from integrations.audit import SYSTEM, Actor
from integrations.connections import lifecycle
from integrations.connections.claims import decisions, ownership
from integrations.connections.claims.requests import ClaimDeniedError
from integrations.models import (
    AuditEntry,
    ClaimState,
    Client,
    CompanyClaim,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    Customer,
    Incident,
    User,
)
from integrations.outbox.models import Delivery, DeliveryState
from tests import rows
from tests.integrations.connections.claims.test_ownership import approve
from tests.integrations.connections.test_consent import text, visit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_customers(customer: Customer, other_customer: Customer) -> None:
    """With two customers, a company's first connection waits for staff."""


def get_claim(person: User) -> CompanyClaim:
    return CompanyClaim.objects.get(customer=person.customers.get())


def count_writes() -> tuple[int, int, int]:
    """Return how many connections, credentials and exchanges there are."""
    return Connection.objects.count(), Client.objects.count(), Delivery.objects.filter(kind="exchange").count()


def list_incidents() -> list[tuple[str, str, str, int]]:
    found = Incident.objects.filter(closed_at=None).order_by("kind", "pk")
    return [(each.kind, each.subject, str(each.customer), each.count) for each in found]


def test_first_approval_waits_and_issues_nothing(alice: User) -> None:
    assert approve(alice) is None
    claim, consent = get_claim(alice), Consent.objects.get()
    assert (claim.company_id, claim.state, claim.decided_at) == ("northwind", ClaimState.WAITING, None)
    assert (consent.decision, consent.user, consent.claim) == ("approve", alice, claim)
    assert count_writes() == (0, 0, 0)


def test_confirmation_starts_the_exchange_of_the_newest_approval(alice: User, staff: User) -> None:
    approve(alice), approve(alice)
    first, second = Consent.objects.order_by("pk")
    claim = decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    attempt = ConnectAttempt.objects.get()
    assert (claim.state, claim.decided_by, claim == get_claim(alice)) == (ClaimState.ASSIGNED, staff, True)
    assert (attempt.consent, attempt.state, attempt.connection.state) == (second, "approved", "approved")
    assert count_writes() == (1, 1, 1)
    assert ownership.find_attempt(first) == attempt


def test_confirming_twice_is_confirming_once(alice: User, staff: User) -> None:
    approve(alice)
    for _ in range(2):
        decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert count_writes() == (1, 1, 1)
    assert AuditEntry.objects.filter(action="company.assigned").count() == 1


def test_assignment_before_the_first_approval_lets_it_through(alice: User, staff: User) -> None:
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert count_writes() == (0, 0, 0)
    assert approve(alice) is not None
    assert get_claim(alice).requested_at is None


def test_of_two_requests_one_is_confirmed_and_the_other_denied(alice: User, charlie: User, staff: User) -> None:
    approve(charlie), approve(alice)
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert (get_claim(alice).state, get_claim(charlie).state) == (ClaimState.ASSIGNED, ClaimState.DENIED)
    assert Connection.objects.get().customer == alice.customers.get()
    with pytest.raises(lifecycle.CompanyTakenError):
        approve(charlie)
    with pytest.raises(lifecycle.CompanyTakenError):
        decisions.assign_company("northwind", charlie.customers.get(), actor=Actor(staff))


def test_request_whose_company_was_connected_meanwhile_is_not_confirmed(
    alice: User, charlie: User, staff: User
) -> None:
    """Another customer needs no confirmation, and was quicker than staff."""
    approve(charlie)
    Customer.objects.filter(people=alice).update(skips_confirmation=True)
    assert approve(alice) is not None
    with pytest.raises(lifecycle.CompanyTakenError):
        decisions.assign_company("northwind", charlie.customers.get(), actor=Actor(staff))
    assert (get_claim(charlie).state, Connection.objects.get().customer) == ("waiting", alice.customers.get())


def test_denied_request_cannot_be_repeated_but_confirmed_later(alice: User, staff: User) -> None:
    approve(alice)
    assert decisions.deny_claim(get_claim(alice), actor=Actor(staff))
    with pytest.raises(ClaimDeniedError):
        approve(alice)
    assert (count_writes(), Consent.objects.filter(decision="").count()) == ((0, 0, 0), 1)
    assert not decisions.deny_claim(get_claim(alice), actor=Actor(staff))
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert count_writes() == (1, 1, 1)


def test_request_of_a_customer_that_left_starts_nothing(alice: User, staff: User) -> None:
    approve(alice)
    Customer.objects.filter(people=alice).update(is_active=False)
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert count_writes() == (0, 0, 0)


def test_assignment_is_taken_back_until_the_company_is_connected(alice: User, staff: User) -> None:
    claim = decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert decisions.unassign_company(claim, actor=Actor(staff))
    assert (CompanyClaim.objects.count(), approve(alice)) == (0, None)
    claim = decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert not decisions.unassign_company(claim, actor=Actor(staff))
    assert CompanyClaim.objects.get().state == ClaimState.ASSIGNED


@pytest.mark.parametrize(("days", "is_kept"), [(13.9, True), (14.1, False)])
def test_request_that_nobody_confirms_expires_after_two_weeks(alice: User, days: float, is_kept: bool) -> None:
    approve(alice)
    CompanyClaim.objects.update(requested_at=timezone.now() - timedelta(days=days))
    tasks.clear_expired()
    assert (CompanyClaim.objects.exists(), Delivery.objects.filter(kind="claim_outcome").count()) == (
        *(is_kept, int(not is_kept)),
    )
    assert approve(alice) is None
    assert get_claim(alice).state == ClaimState.WAITING


# Tries and incidents


@pytest.mark.parametrize("comes_first", [True, False])
def test_confirmation_leaves_the_incidents_of_the_other_customer_open(
    alice: User, charlie: User, staff: User, staff_browser: Browser, comes_first: bool
) -> None:
    """Charlie polls for Northwind's company. One click of staff for Alice does not make that unseen."""
    for person in [*[charlie] * 3, alice][:: 1 if comes_first else -1]:
        approve(person)
    clashes = [("company_clash", "northwind", name) for name in ("Harbour Clinics", "Northwind Retail")]
    tries = ("company_tries", "northwind", "Harbour Clinics")
    assert sorted(each[:3] for each in list_incidents()) == [*clashes, tries]
    attempt = decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff)).consents.get().attempt
    lifecycle.begin_exchange(attempt)
    lifecycle.activate_connection(attempt, "theirs", "their-secret")
    left = [("company_clash", "Harbour Clinics"), ("company_tries", "Harbour Clinics")]
    assert [(kind, name) for kind, _, name, _ in list_incidents()] == left
    overview = " ".join(text(staff_browser.get("/admin/")).split())
    assert "Harbour Clinics tried to connect the company northwind, which belongs to Northwind Retail." in overview
    for incident in Incident.objects.filter(closed_at=None):
        staff_browser.post(f"/admin/integrations/incident/{incident.pk}/act/close/")
    assert list_incidents() == []


def refuse(attempt: ConnectAttempt | None) -> None:
    assert attempt is not None
    lifecycle.mark_refused(ConnectAttempt.objects.get(pk=attempt.pk), "no consent yet")


def test_third_refusal_is_an_incident_and_going_live_closes_it(alice: User, staff: User) -> None:
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    for expected in ([], [], [("company_tries", "northwind", "Northwind Retail", 3)]):
        refuse(approve(alice))
        assert list_incidents() == expected
    refuse(approve(alice))
    assert list_incidents() == [("company_tries", "northwind", "Northwind Retail", 4)]
    last = approve(alice)
    assert last is not None
    lifecycle.activate_connection(last, "theirs", "their-secret")
    assert list_incidents() == []


def test_third_approval_while_the_request_waits_is_an_incident(alice: User) -> None:
    for _ in range(3):
        approve(alice)
    assert list_incidents() == [("company_tries", "northwind", "Northwind Retail", 3)]
    assert Delivery.objects.filter(kind="claim_request").count() == 0  # there is no staff


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_tries_of_a_customer_for_a_company_are_limited(
    alice: User, charlie: User, staff: User, is_confirmed: bool, time_machine: Any
) -> None:
    colleague = rows.make_user(alice.customers.get(), "erin@northwind.example")
    if is_confirmed:
        decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    for number in range(ownership.MAX_TRIES):
        attempt = approve(alice if number % 2 else colleague)
        if is_confirmed:
            refuse(attempt)
    for person in (alice, colleague):
        with pytest.raises(lifecycle.TooManyTriesError):
            approve(person)
    approve(alice, "northwind-outlet")  # another company
    if not is_confirmed:
        approve(charlie)  # another customer
    assert AuditEntry.objects.filter(action="connection.too_many_tries").count() == 2, "once per person"
    time_machine.move_to(timezone.now() + timedelta(hours=1, seconds=1))
    approve(alice)


def test_person_of_several_customers_cannot_try_for_each(alice: User, other_customer: Customer) -> None:
    rows.make_member(alice, other_customer)
    northwind = alice.customers.get(name="Northwind Retail")

    def approve_for(customer: Customer) -> None:
        consent = Consent.objects.create(company_id="victim", mode="REDIRECT")
        lifecycle.approve_consent(consent, actor=Actor(alice), customer=customer)

    for _ in range(ownership.MAX_TRIES):
        approve_for(northwind)
    with pytest.raises(lifecycle.TooManyTriesError):
        approve_for(other_customer)


def test_connecting_again_and_again_with_success_is_not_limited(alice: User, connection: Connection) -> None:
    for number in range(ownership.MAX_TRIES + 2):
        attempt = approve(alice)
        assert attempt is not None
        lifecycle.activate_connection(attempt, f"theirs-{number}", "their-secret")
    assert list_incidents() == []


def test_refused_repeat_on_a_live_connection_is_no_incident(alice: User, connection: Connection) -> None:
    for _ in range(3):
        refuse(approve(alice))
    assert (Connection.objects.get().state, list_incidents()) == (ConnectionState.LIVE, [])


def test_every_clash_counts_and_is_audited_once_a_minute(charlie: User, connection: Connection) -> None:
    for _ in range(4):
        with pytest.raises(lifecycle.CompanyTakenError):
            approve(charlie)
    assert list_incidents() == [("company_clash", "northwind", "Harbour Clinics", 4)]
    assert AuditEntry.objects.filter(action="connection.belongs_to_another").count() == 1


# Pages of the customer


@pytest.fixture
def browser(client: Browser, alice: User) -> Browser:
    client.force_login(alice)
    return client


@pytest.mark.parametrize("redirect", ["https://www.smartrecruiters.com/apps", None])
def test_pages_say_that_staff_confirm_and_what_became_of_it(
    browser: Browser, alice: User, staff: User, redirect: str | None
) -> None:
    consent = visit(browser, redirect=redirect)
    page = f"/smartrecruiters/integration/{consent.key}"
    assert "Assessments confirms the connection; you get an email." in text(browser.get(page))
    answer = browser.post(page, {"decision": "approve"})
    assert (answer.status_code, answer["Location"]) == (303, f"{page}/progress")
    waiting = text(browser.get(f"{page}/progress"))
    assert "Assessments confirms the connection" in waiting
    assert "you get an email, and" in waiting
    assert '<meta http-equiv="refresh" content="10">' in waiting
    assert ("Back to SmartRecruiters" in waiting, "You can close this window." in waiting) == (
        *(redirect is not None, redirect is None),
    )
    Consent.objects.update(expires_at=timezone.now())
    assert "http-equiv" not in text(browser.get(f"{page}/progress")), "a page that stays open ends its session"
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    assert '<meta http-equiv="refresh" content="1">' in text(browser.get(f"{page}/progress"))
    Connection.objects.update(state=ConnectionState.EXCHANGING)
    lifecycle.activate_connection(ConnectAttempt.objects.get(), "theirs", "their-secret")
    Delivery.objects.filter(kind="exchange").update(state=DeliveryState.DELIVERED)
    done = browser.get(f"{page}/progress")
    assert (done.status_code, done.headers.get("Location")) == ((302, redirect) if redirect else (200, None))


def test_page_promises_no_email_where_none_is_sent(browser: Browser, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = f"/smartrecruiters/integration/{visit(browser).key}"
    assert "Assessments confirms the connection." in text(browser.get(page))
    browser.post(page, {"decision": "approve"})
    assert "email" not in text(browser.get(f"{page}/progress")).replace("alice@northwind.example", "")


def test_page_of_an_assigned_company_says_nothing_of_staff(browser: Browser, alice: User, staff: User) -> None:
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    page = f"/smartrecruiters/integration/{visit(browser).key}"
    assert "confirms the connection" not in text(browser.get(page))
    browser.post(page, {"decision": "approve"})
    assert '<meta http-equiv="refresh" content="1">' in text(browser.get(f"{page}/progress"))


def test_page_asks_a_person_of_two_customers_for_each(browser: Browser, alice: User, other_customer: Customer) -> None:
    rows.make_member(alice, other_customer)
    decisions.assign_company("northwind", alice.customers.get(name="Northwind Retail"), actor=SYSTEM)
    page = text(browser.get(f"/smartrecruiters/integration/{visit(browser).key}"))
    assert page.count("Assessments confirms the connection") == 1


def test_progress_of_a_denied_request_says_whom_to_ask(browser: Browser, alice: User, staff: User) -> None:
    page = f"/smartrecruiters/integration/{visit(browser).key}"
    browser.post(page, {"decision": "approve"})
    decisions.deny_claim(get_claim(alice), actor=Actor(staff))
    shown = text(browser.get(f"{page}/progress"))
    assert "Assessments did not confirm the connection" in shown
    assert "contact the staff of Assessments" in shown
    again = browser.post(f"/smartrecruiters/integration/{visit(browser).key}", {"decision": "approve"})
    assert (again.status_code, "did not confirm" in text(again)) == (403, True)


def test_approval_after_too_many_tries_is_a_page(browser: Browser) -> None:
    for _ in range(ownership.MAX_TRIES):
        browser.post(f"/smartrecruiters/integration/{visit(browser).key}", {"decision": "approve"})
    answer = browser.post(f"/smartrecruiters/integration/{visit(browser).key}", {"decision": "approve"})
    assert (answer.status_code, "Try again in an hour." in text(answer)) == (429, True)


def test_request_is_withdrawn_on_the_start_page(browser: Browser, bob: User) -> None:
    page = f"/smartrecruiters/integration/{visit(browser).key}"
    browser.post(page, {"decision": "approve"})
    home = text(browser.get("/"))
    assert ("To be confirmed" in home, "Withdraw the request" in home, "is connected yet" in home) == (
        *(True, True, False),
    )
    viewer = Browser()
    viewer.force_login(bob)
    assert "Withdraw the request" not in text(viewer.get("/"))
    assert viewer.post("/connections/northwind/withdraw").status_code == 403
    assert browser.post("/connections/northwind/withdraw")["Location"] == "/"
    assert "The request to connect northwind was withdrawn." in text(browser.get("/"))
    assert CompanyClaim.objects.count() == 0
    assert "This request has ended" in text(browser.get(f"{page}/progress"))
    assert browser.post("/connections/northwind/withdraw").status_code == 404


def test_start_page_shows_a_denied_request_for_two_weeks(browser: Browser, alice: User, staff: User) -> None:
    approve(alice)
    decisions.deny_claim(get_claim(alice), actor=Actor(staff))
    assert "did not confirm that this company belongs to Northwind Retail" in text(browser.get("/"))
    CompanyClaim.objects.update(decided_at=timezone.now() - timedelta(days=15))
    assert "No SmartRecruiters company is connected yet" in text(browser.get("/"))
