"""Emails about a connection that must be reconnected, sent once each time."""

import pytest
from django.core import mail

from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.models import Connection, ConnectionState, Customer, User
from integrations.outbox import courier, deliveries
from integrations.outbox.models import Delivery, Stream

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = "SmartRecruiters' token endpoint refuses the credentials (401)."


def break_(connection: Connection) -> None:
    lifecycle.require_reconnect(Connection.objects.get(pk=connection.pk), REFUSED)


def carry() -> list[tuple[list[str], str]]:
    """Send the emails and return recipients and subject of each."""
    courier.run(Stream.objects.get(name="email").pk)
    return [(message.to, message.subject) for message in mail.outbox]


def test_those_who_may_connect_and_staff_are_told_once(
    connection: Connection, alice: User, bob: User, charlie: User, staff: User
) -> None:
    break_(connection)
    break_(connection)
    told = [
        (["alice@northwind.example"], "Please connect SmartRecruiters again (northwind)"),
        (["stella@vendor.example"], "Northwind Retail (northwind) needs attention"),
    ]
    assert sorted(carry()) == told
    assert sorted(carry()) == told


def test_customer_reads_what_to_do_in_his_language(connection: Connection, alice: User) -> None:
    Customer.objects.update(language="de")
    break_(connection)
    [(_, subject)] = carry()
    assert subject == "Bitte verbinden Sie SmartRecruiters erneut (northwind)"
    assert "trennen Sie Assessments und verbinden Sie die App erneut" in mail.outbox[0].body
    assert "http://localhost:8000/\n" in mail.outbox[0].body
    assert '<a href="http://localhost:8000/"' in mail.outbox[0].alternatives[0][0]


def test_staff_read_why_and_where_to_mend_it(connection: Connection, staff: User) -> None:
    break_(connection)
    carry()
    body = mail.outbox[0].body
    assert REFUSED in body
    assert f"http://localhost:8000/admin/integrations/connection/{connection.pk}/change/\n" in body


def test_nobody_is_told_what_is_mended_already(connection: Connection, alice: User, staff: User) -> None:
    break_(connection)
    assert lifecycle.retry_connection(Connection.objects.get(pk=connection.pk), actor=Actor(staff))
    assert carry() == []
    reasons = Delivery.objects.filter(stream__name="email").values_list("state", "reason")
    assert set(reasons) == {("superseded", "the connection no longer needs attention")}


def test_next_incident_is_told_again(connection: Connection, alice: User, staff: User) -> None:
    break_(connection)
    carry()
    lifecycle.retry_connection(Connection.objects.get(pk=connection.pk), actor=Actor(staff))
    break_(connection)
    assert len(carry()) == 4


def test_whoever_left_meanwhile_is_not_written_to(connection: Connection, alice: User) -> None:
    break_(connection)
    User.objects.update(is_active=False)
    assert carry() == []
    break_(connection)
    assert Delivery.objects.filter(stream__name="email").count() == 1


def test_credential_that_is_refused_thrice_is_told(connection: Connection, alice: User) -> None:
    """Refused credentials, as the courier reports them to the channel."""
    deliveries.enqueue("result", stream=connection.stream_name, key="a", payload={})
    from integrations.outbox.handlers import get_channel

    stream = Stream.objects.get(name=connection.stream_name)
    get_channel(stream).on_credentials_refused(stream, REFUSED)
    assert [to for to, _ in carry()] == [["alice@northwind.example"]]
    assert Connection.objects.get().state == ConnectionState.NEEDS_RECONNECT
