"""Consent page for a company that another customer has connected."""

import pytest
from django.test import Client as Browser

from integrations.connections import lifecycle
from integrations.models import Connection, ConnectionState, Customer, User
from tests import rows
from tests.integrations.accounts.test_sign_in import text

pytestmark = pytest.mark.django_db
WARNING = "This company belongs to another organisation."


def asked(browser: Browser, person: User) -> str:
    browser.force_login(person)
    return text(browser.get("/smartrecruiters/integration?companyId=northwind", follow=True))


def test_page_warns_whoever_is_of_another_organisation_and_names_nobody(
    client: Browser, charlie: User, alice: User, connection: Connection
) -> None:
    lifecycle.disable_connection(connection)
    page = asked(client, charlie)
    assert (WARNING in page, "Northwind Retail" in page, 'name="decision"' in page) == (True, False, True)
    assert WARNING not in asked(client, alice)


def test_page_does_not_warn_who_administers_both(
    client: Browser, customer: Customer, charlie: User, connection: Connection
) -> None:
    rows.make_member(charlie, customer, "administrator")
    assert WARNING not in asked(client, charlie)


def test_company_that_somebody_only_tried_is_free(client: Browser, charlie: User, connection: Connection) -> None:
    Connection.objects.update(state=ConnectionState.REFUSED, connected_at=None, their_client_id="")
    assert WARNING not in asked(client, charlie)


def test_warning_says_what_approving_does(client: Browser, charlie: User, connection: Connection) -> None:
    lifecycle.disable_connection(connection)
    client.force_login(charlie)
    page = client.get("/smartrecruiters/integration?companyId=northwind")["Location"]
    answer = client.post(page, {"decision": "approve"})
    assert (answer.status_code, "belongs to another organisation" in text(answer)) == (409, True)
