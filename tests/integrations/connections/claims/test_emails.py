"""Emails about claims, to staff and to the customer's administrators."""

from typing import Any

import pytest

from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.connections.claims import decisions
from integrations.models import ConnectAttempt, Customer, User
from integrations.outbox import courier
from integrations.outbox.models import Stream
from tests import rows
from tests.integrations.connections.claims.test_decisions import get_claim
from tests.integrations.connections.claims.test_ownership import approve

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _two_customers(customer: Customer, other_customer: Customer) -> None:
    """With two customers, a company's first connection waits for staff."""


def send_emails() -> None:
    courier.run(Stream.objects.get(name="email").pk)


def test_emails_tell_staff_of_the_request_and_the_customer_of_the_outcome(
    alice: User, bob: User, charlie: User, staff: User, mailoutbox: list[Any]
) -> None:
    rows.make_user(None, "victor@vendor.example", role="viewer")
    approve(charlie), approve(alice), approve(alice)
    send_emails()
    path = f"/admin/integrations/companyclaim/{get_claim(alice).pk}/act/confirm/"
    [first, second] = mailoutbox
    assert [each.to for each in mailoutbox] == [[staff.email]] * 2
    assert "Careful: Northwind Retail claims this company, too." in first.body
    assert second.subject == "Northwind Retail asks to connect northwind"
    assert ("alice@northwind.example approved it." in second.body, path in second.body) == (True, True)
    mailoutbox.clear()
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    send_emails()
    assert [(each.to, each.subject) for each in mailoutbox] == [([charlie.email], "northwind was not confirmed")]
    mailoutbox.clear()
    lifecycle.activate_connection(ConnectAttempt.objects.get(), "theirs", "their-secret")
    send_emails()
    assert [(each.to, each.subject) for each in mailoutbox] == [([alice.email], "northwind is connected")]


def test_email_says_that_smartrecruiters_refused_what_staff_confirmed(
    alice: User, staff: User, mailoutbox: list[Any]
) -> None:
    approve(alice)
    decisions.assign_company("northwind", alice.customers.get(), actor=Actor(staff))
    lifecycle.mark_refused(ConnectAttempt.objects.get(), "no consent yet")
    assert approve(alice) is not None, "it is assigned"
    lifecycle.mark_refused(ConnectAttempt.objects.get(state="approved"), "no consent yet")
    send_emails()
    [message] = mailoutbox
    assert (message.to, message.subject) == ([alice.email], "SmartRecruiters refused to connect northwind")


def test_email_to_staff_is_not_sent_once_the_request_is_decided(
    alice: User, staff: User, mailoutbox: list[Any]
) -> None:
    approve(alice)
    decisions.withdraw_claim(get_claim(alice), actor=Actor(alice))
    send_emails()
    assert mailoutbox == []
