"""Start page of a customer's people, and disconnecting a company."""

import re
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from integrations.connections import lifecycle
from integrations.models import (
    AuditEntry,
    Client,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    DisplayMode,
    User,
)
from integrations.models.connections import ENDED_REMOTELY
from tests import rows

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def browser(client: Browser, alice: User) -> Browser:
    client.force_login(alice)
    return client


def test_home_of_a_stranger_leads_to_sign_in(client: Browser) -> None:
    assert client.get("/")["Location"] == "/accounts/login/?next=/"


def test_home_of_staff_is_the_admin(client: Browser, staff: User) -> None:
    client.force_login(staff)
    assert client.get("/")["Location"] == "/admin/"


def test_home_without_connections_teaches_how_to_connect(browser: Browser) -> None:
    page = text(browser.get("/"))
    assert "No SmartRecruiters company is connected yet" in page
    assert "Choose <strong>Connect</strong>" in page


def test_home_without_a_customer_says_so(client: Browser) -> None:
    client.force_login(User.objects.create_user("dora@alone.example", rows.PASSWORD))
    assert "Your account belongs to no organisation" in text(client.get("/"))


def test_home_shows_own_connections_only(
    browser: Browser, connection: Connection, other_connection: Connection
) -> None:
    page = text(browser.get("/"))
    assert (">northwind<" in page, "harbour-clinics" in page) == (True, False)


@pytest.mark.parametrize(
    ("state", "word", "advice"),
    [
        (ConnectionState.LIVE, "Connected", "Results are sent back to it"),
        (ConnectionState.EXCHANGING, "Connecting", "there is nothing to do"),
        (ConnectionState.REFUSED, "Not connected", "refused to connect. no consent Connect again"),
        (ConnectionState.NEEDS_RECONNECT, "Connect again", "disconnect Assessments, then connect again"),
        (ConnectionState.DISABLED, "Disconnected", "connect again in SmartRecruiters"),
    ],
)
def test_home_says_how_a_connection_is_and_what_to_do(
    browser: Browser, connection: Connection, state: str, word: str, advice: str
) -> None:
    Connection.objects.update(state=state, reason="no consent")
    page = text(browser.get("/"))
    assert f"</svg>{word}</span>" in page
    assert advice in page


def test_home_asks_the_database_as_often_for_three_connections(
    browser: Browser, connection: Connection, django_assert_num_queries: Any
) -> None:
    browser.get("/")
    with django_assert_num_queries(9) as one:
        browser.get("/")
    for company in ("a", "b"):
        rows.make_connection(connection.customer, company)
    with django_assert_num_queries(len(one)):
        browser.get("/")


def test_home_asks_for_a_second_disconnect_only_where_it_is_due(browser: Browser, connection: Connection) -> None:
    there_too = "disconnect Assessments there too, then connect again in SmartRecruiters."
    lifecycle.disable_connection(connection, reason="Disconnected by the customer.")
    assert there_too in browser.get("/").content.decode()
    Connection.objects.update(reason=ENDED_REMOTELY)
    page = browser.get("/").content.decode()
    assert ("To continue, connect again in SmartRecruiters." in page, there_too in page) == (True, False)


def test_disconnect_asks_first(browser: Browser, connection: Connection) -> None:
    page = text(browser.get("/connections/northwind/disconnect"))
    connection.refresh_from_db()
    assert "SmartRecruiters can no longer see your packages or place orders." in page
    assert connection.state == "live"


def test_disconnect_ends_the_connection_and_writes_down_who(
    browser: Browser, connection: Connection, alice: User
) -> None:
    assert browser.post("/connections/northwind/disconnect")["Location"] == "/"
    connection.refresh_from_db()
    entry = AuditEntry.objects.get(action="connection.disabled")
    assert (connection.state, entry.actor, entry.ip) == ("disabled", alice, "127.0.0.1")
    assert "northwind is disconnected." in text(browser.get("/"))


def test_disconnect_of_another_customer_is_not_found(browser: Browser, other_connection: Connection) -> None:
    assert browser.post("/connections/harbour-clinics/disconnect").status_code == 404
    other_connection.refresh_from_db()
    assert other_connection.state == "live"


def test_disconnect_by_somebody_without_the_right_is_refused(
    client: Browser, bob: User, connection: Connection
) -> None:
    client.force_login(bob)
    assert "Disconnect" not in text(client.get("/")).replace("Disconnected", "")
    assert client.post("/connections/northwind/disconnect").status_code == 403
    connection.refresh_from_db()
    assert connection.state == "live"


def test_disconnect_of_what_is_disconnected_leads_home(browser: Browser, connection: Connection) -> None:
    Connection.objects.update(state=ConnectionState.DISABLED)
    assert browser.get("/connections/northwind/disconnect")["Location"] == "/"


def test_disconnect_needs_a_csrf_token(alice: User, connection: Connection) -> None:
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post("/connections/northwind/disconnect").status_code == 403


def attempt_of(connection: Connection, state: str, by: User) -> None:
    """Store an attempt to connect that `by` approved and that ended in `state`."""
    consent = Consent.objects.create(company_id=connection.company_id, mode=DisplayMode.REDIRECT, user=by)
    ConnectAttempt.objects.create(
        connection=connection, consent=consent, client_id_sent=f"c{consent.pk}", state=state, reason=""
    )


@pytest.mark.parametrize(
    ("state", "attempts", "name"),
    [
        ("live", ["live"], "0"),
        ("live", ["live", "refused"], "0"),
        ("live", ["live", "needs_reconnect"], "0"),
        ("live", ["live", "exchanging"], "0"),
        ("live", ["live", "live"], "1"),
        ("exchanging", ["refused", "exchanging"], "1"),
        ("needs_reconnect", ["live", "refused"], "0"),
        ("disabled", ["live", "refused"], "0"),
        ("refused", ["refused", "refused"], ""),
        ("live", [], ""),
    ],
)
def test_home_names_who_approved_what_there_is(
    browser: Browser, connection: Connection, state: str, attempts: list[str], name: str
) -> None:
    for number, each in enumerate(attempts):
        person = User.objects.create_user(f"p{number}@northwind.example", rows.PASSWORD, name=f"Person {number}")
        attempt_of(connection, each, person)
    Connection.objects.update(state=state)
    page = text(browser.get("/"))
    assert re.findall(r"Approved by</dt><dd><span[^>]*>Person (\d)<", page) == list(filter(None, [name]))


ORDERS_KEPT = "Results cannot be sent to SmartRecruiters. Orders and results are kept here."
NO_ORDERS = "Results cannot be sent to SmartRecruiters, and it cannot place orders. Results are kept here."


@pytest.mark.parametrize(("is_revoked", "said"), [(False, ORDERS_KEPT), (True, NO_ORDERS)])
def test_home_says_whether_orders_can_come_in(
    browser: Browser, connection: Connection, is_revoked: bool, said: str
) -> None:
    Connection.objects.update(state=ConnectionState.NEEDS_RECONNECT)
    Client.issue("SmartRecruiters", connection=connection)
    if is_revoked:
        Client.objects.filter(connection=connection).update(revoked_at=timezone.now())
    assert said in text(browser.get("/"))
