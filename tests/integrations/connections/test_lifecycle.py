"""Races of a connection: two attempts, a disconnect during one, refusal of replaced credentials."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections as db_connections
from django.test import Client as Browser

from config.admin import overview
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.models import (
    AuditEntry,
    CompanyConfirmation,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    DisplayMode,
    PartnerConfiguration,
    User,
)
from integrations.outbox import clock, courier
from integrations.outbox.models import Delivery, Stream
from tests import rows
from tests.integrations.outbox.peer import Answer, Peer, Received, run_peer
from tests.orders import bodies

C = ConnectionState
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with run_peer() as peer:
        settings.SMARTRECRUITERS_API_URL = peer.url
        yield peer


@pytest.fixture
def no_confirmation(db: None) -> None:
    """Let a second customer connect without staff."""
    PartnerConfiguration.load()
    PartnerConfiguration.objects.update(company_confirmation=CompanyConfirmation.NEVER)


def approve(by: User, company: str = "northwind") -> ConnectAttempt:
    consent = Consent.objects.create(company_id=company, mode=DisplayMode.REDIRECT)
    return lifecycle.approve_consent(consent, actor=Actor(by), customer=by.customers.get())


def read(attempt: ConnectAttempt) -> ConnectAttempt:
    """Load the attempt as the courier does."""
    return ConnectAttempt.objects.select_related("connection", "client").get(pk=attempt.pk)


def states(attempt: ConnectAttempt) -> tuple[str, str]:
    found = read(attempt)
    return found.state, found.connection.state


def test_disable_while_their_pair_is_being_stored_wins(alice: User) -> None:
    attempt = read(approve(alice))
    lifecycle.begin_exchange(attempt)
    as_read_before = read(attempt)
    lifecycle.disable_connection(Connection.objects.get())
    lifecycle.activate_connection(as_read_before, "theirs", "their-secret")
    stream = Stream.objects.get(name=attempt.connection.stream_name)
    assert (states(attempt), bool(stream.held_reason)) == ((C.DISABLED, C.DISABLED), True)
    assert read(attempt).connection.their_client_id == ""


def test_second_of_two_tries_goes_live_though_the_first_was_refused(alice: User) -> None:
    first, second = approve(alice), approve(alice)
    lifecycle.begin_exchange(read(first))
    lifecycle.mark_refused(read(first), "no consent yet")
    lifecycle.begin_exchange(read(first))  # by a courier that was stopped, and comes back
    assert states(first) == (C.REFUSED, C.REFUSED)
    lifecycle.begin_exchange(read(second))
    lifecycle.activate_connection(read(second), "theirs", "their-secret")
    assert (states(first)[0], states(second)) == (C.REFUSED, (C.LIVE, C.LIVE))


def test_company_whose_second_try_goes_on_is_not_free(alice: User, charlie: User, no_confirmation: None) -> None:
    first, second = approve(alice), approve(alice)
    lifecycle.mark_refused(read(first), "no consent yet")
    with pytest.raises(lifecycle.CompanyTakenError):
        approve(charlie)
    lifecycle.disable_connection(read(second).connection)
    assert states(second)[0] == C.DISABLED
    assert approve(charlie).connection.customer == charlie.customers.get()


def test_company_that_ordered_by_a_pair_whose_answer_was_lost_is_not_free(
    alice: User, charlie: User, no_confirmation: None
) -> None:
    attempt = read(approve(alice))
    lifecycle.begin_exchange(attempt)
    rows.make_package("skills")
    bodies.place_order(attempt.connection)
    lifecycle.mark_refused(read(attempt), "SmartRecruiters says 403 at the second time")
    with pytest.raises(lifecycle.CompanyTakenError):
        approve(charlie)


def test_refused_repeat_on_a_live_connection_is_no_failure(
    connection: Connection, alice: User, peer: Peer, staff_browser: Browser
) -> None:
    attempt = approve(alice)
    path = f"/assessment-api/v202010/integration/company/{connection.company_id}"
    peer.script |= {
        "/identity/oauth/token": [Answer(200, {"access_token": "t1", "expires_in": 1800})],
        path: [Answer(409)],
    }
    courier.run(Stream.objects.get(name="master").pk)
    delivery = Delivery.objects.get(stream__name="master")
    reason = "the company is connected already, and the connection stays as it is"
    assert (states(attempt), delivery.state, delivery.reason) == ((C.REFUSED, C.LIVE), "superseded", reason)
    assert read(attempt).reason == "This company is already connected."
    assert overview.list_issues() == []


@pytest.mark.parametrize(
    ("answers", "can_receive_orders", "reason"),
    [
        ([Answer(409)], False, "SmartRecruiters still has the credentials of an earlier connection."),
        (
            [Answer(502), Answer(409)],
            True,
            "SmartRecruiters is already connected, but its credentials did not arrive here.",
        ),
    ],
)
def test_conflict_after_a_disconnect_here_tells_whether_orders_can_come(
    connection: Connection,
    alice: User,
    peer: Peer,
    mailoutbox: list[Any],
    answers: list[Answer],
    can_receive_orders: bool,
    reason: str,
) -> None:
    lifecycle.disable_connection(connection)
    attempt = approve(alice)
    path = f"/assessment-api/v202010/integration/company/{connection.company_id}"
    token = Answer(200, {"access_token": "t1", "expires_in": 1800})
    peer.script |= {"/identity/oauth/token": [token], path: list(answers)}
    master = Stream.objects.get(name="master")
    for _ in answers:
        courier.run(master.pk)
        Delivery.objects.filter(stream=master).update(due_at=clock.now())
    found = read(attempt).connection
    assert states(attempt) == (C.NEEDS_RECONNECT, C.NEEDS_RECONNECT)
    assert (found.can_receive_orders, found.reason) == (can_receive_orders, reason)
    courier.run(Stream.objects.get(name="email").pk)
    [body] = [each.body for each in mailoutbox if each.to == [alice.email]]
    assert ("Orders and results are kept here" in body, "cannot place orders" in body) == (
        *(can_receive_orders, not can_receive_orders),
    )


@pytest.mark.parametrize(("status", "reason"), [(400, "400: {}"), (403, "403: {}"), (404, "404: {}")])
def test_other_refusal_on_a_live_connection_is_a_failure(
    connection: Connection, alice: User, peer: Peer, status: int, reason: str
) -> None:
    attempt = approve(alice)
    path = f"/assessment-api/v202010/integration/company/{connection.company_id}"
    peer.script |= {
        "/identity/oauth/token": [Answer(200, {"access_token": "t1", "expires_in": 1800})],
        path: [Answer(status)],
    }
    courier.run(Stream.objects.get(name="master").pk)
    delivery = Delivery.objects.get(stream__name="master")
    assert (states(attempt), delivery.state, delivery.reason) == ((C.REFUSED, C.LIVE), "failed", reason)
    [issue] = overview.list_issues()
    assert issue.message.startswith(f"Exchange of credentials for {connection.company_id} failed: ")


def test_failure_that_cannot_be_sent_again_is_dismissed(
    connection: Connection, alice: User, staff_browser: Browser
) -> None:
    attempt = approve(alice)
    lifecycle.mark_refused(attempt, "no consent yet")
    Delivery.objects.update(state="failed", reason="403")
    page = f"/admin/outbox/delivery/{Delivery.objects.get().pk}"
    shown = staff_browser.get(f"{page}/change/").content.decode()
    assert [act for act in ("replay", "dismiss", "settle") if f"/act/{act}/" in shown] == ["dismiss"]
    said = "It cannot be sent again: this attempt has ended (Refused)."
    assert said in staff_browser.get(f"{page}/act/dismiss/").content.decode()
    assert f"{said} You can dismiss it." in staff_browser.post(f"{page}/act/replay/", follow=True).content.decode()
    assert Delivery.objects.get().state == "failed"
    staff_browser.post(f"{page}/act/dismiss/")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason) == (
        *("superseded", "dismissed by a person: this attempt has ended (Refused)"),
    )
    assert AuditEntry.objects.filter(action="delivery.dismissed", subject=connection.company_id).count() == 1
    assert overview.list_issues() == []


def test_lost_answer_to_a_second_try_leaves_a_live_connection_as_it_is(
    connection: Connection, alice: User, peer: Peer
) -> None:
    attempt = approve(alice)
    path = f"/assessment-api/v202010/integration/company/{connection.company_id}"
    peer.script |= {
        "/identity/oauth/token": [Answer(200, {"access_token": "t1", "expires_in": 1800})],
        path: [Answer(502), Answer(409)],
    }
    master = Stream.objects.get(name="master")
    for _ in range(2):
        courier.run(master.pk)
        Delivery.objects.filter(stream=master).update(due_at=clock.now())
    assert (peer.received_paths().count(path), states(attempt)) == (2, (C.NEEDS_RECONNECT, C.LIVE))
    client = read(attempt).client
    assert client is not None, "SmartRecruiters may have it"
    assert client.is_usable()


def test_old_pair_that_is_refused_when_the_new_one_is_there_ends_nothing(connection: Connection, peer: Peer) -> None:
    """The customer reconnects while a token call with the former credentials is in flight."""

    def renewing(received: Received) -> Answer:
        if received.path != "/identity/oauth/token":
            return Answer()
        if "new" in received.body:
            return Answer(200, {"access_token": "t1", "token_type": "Bearer", "expires_in": 1800})
        row = Connection.objects.get(pk=connection.pk)
        row.their_client_id, row.their_client_secret = "new", "new"
        row.save()
        db_connections.close_all()
        return Answer(401)

    peer.answer = renewing
    rows.make_package("skills")
    bodies.place_order(connection)
    stream = Stream.objects.get(name=connection.stream_name)
    for _ in range(2):
        courier.run(stream.pk)
    connection.refresh_from_db()
    assert connection.state == C.LIVE
    assert set(Delivery.objects.filter(stream=stream).values_list("state", flat=True)) == {"delivered"}


def test_order_that_comes_before_their_pair_waits_for_it(alice: User, peer: Peer) -> None:
    """Our credentials work as soon as SmartRecruiters has them, perhaps long before we have its response."""
    attempt = read(approve(alice))
    lifecycle.begin_exchange(attempt)
    rows.make_package("skills")
    bodies.place_order(attempt.connection)
    stream = Stream.objects.get(name=attempt.connection.stream_name)
    courier.run(stream.pk)
    assert (states(attempt), Delivery.objects.filter(kind="reconnect").exists()) == ((C.EXCHANGING,) * 2, False)
    lifecycle.activate_connection(read(attempt), "theirs", "their-secret")
    peer.script["/identity/oauth/token"] = [Answer(200, {"access_token": "t1", "expires_in": 1800})]
    courier.run(stream.pk)
    assert set(Delivery.objects.filter(stream=stream).values_list("state", flat=True)) == {"delivered"}
