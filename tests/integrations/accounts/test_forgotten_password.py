"""Password reset: the same work for every address, and the same tab, except from a consent in a pop-up."""

import re

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from integrations.models import Customer, PartnerConfiguration, User
from tests.integrations.accounts.test_sign_in import SIGN_IN, text
from tests.mailbox import deliver_emails

pytestmark = pytest.mark.django_db
LINK = '<a href="/accounts/password/reset/"{}>Forgot your password?</a>'
HERE, ELSEWHERE = LINK.format(""), LINK.format(' target="_blank"')


def test_link_opens_in_the_same_tab(client: Browser) -> None:
    assert HERE in text(client.get(SIGN_IN))
    assert HERE in text(client.get(SIGN_IN, {"next": "/smartrecruiters/integration/x"}))


def test_link_leaves_a_consent_in_a_popup_where_it_is(client: Browser) -> None:
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(display_mode="POPUP")
    page = client.get("/smartrecruiters/integration?companyId=northwind", follow=True)
    assert ELSEWHERE in text(page)
    assert HERE in text(client.get(SIGN_IN))


def test_link_opens_in_the_same_tab_where_the_consent_leads_back(client: Browser) -> None:
    back = "https://api.smartrecruiters.com/back"
    page = client.get("/smartrecruiters/integration", {"companyId": "northwind", "redirect": back}, follow=True)
    assert HERE in text(page)


# A5 of tests/reliability/README.md: the time of the response depends on what is done until then.


def ask(email: str) -> tuple[int, list[str]]:
    """Request a reset, and return the status and the database statements, without the values in them."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = Browser().post("/accounts/password/reset/", {"email": email})
    statements = [re.sub(r"'(?:[^']|'')*'|\d+", "?", each["sql"]) for each in queries.captured_queries]
    return answer.status_code, [each for each in statements if "cache" not in each]


@pytest.mark.parametrize(
    "email",
    ["nobody@northwind.example", "ALICE@northwind.example", "bob@northwind.example", f"a@{'b' * 60}.example"],
)
def test_same_is_done_for_every_address(alice: User, bob: User, email: str) -> None:
    bob.is_active = False
    bob.save()
    ask("warm.up@northwind.example")
    status, statements = ask(alice.email)
    assert (status, len(statements) > 0) == (302, True)
    assert ask(email) == (status, statements)
    assert not [each for each in statements if "integrations_user" in each or "account_emailaddress" in each]


def test_link_is_for_active_accounts_only(alice: User, bob: User) -> None:
    bob.is_active = False
    bob.save()
    for email in (alice.email, bob.email, "nobody@northwind.example"):
        ask(email)
    assert [(message.to, message.subject) for message in deliver_emails()] == [
        (["alice@northwind.example"], "Reset your Assessments password"),
        (["bob@northwind.example"], "No Assessments account for this email address"),
        (["nobody@northwind.example"], "No Assessments account for this email address"),
    ]


def test_link_is_made_when_the_email_is_sent_and_counts_from_then(alice: User) -> None:
    ask("Alice@Northwind.example")
    User.objects.update(name="Alice Moore")
    Customer.objects.update(language="de")
    [message] = deliver_emails()
    assert message.subject == "Passwort für Assessments zurücksetzen"
    link = next(line for line in message.body.splitlines() if line.startswith("http"))
    page = Browser().get(link.removeprefix(settings.PUBLIC_URL), follow=True)
    assert "Choose a new password" in text(page)
