"""Emails, received by a real mail server in its own process."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self

import pytest
from django.db import connections
from django.test import Client as Browser

from integrations import mail
from integrations.accounts.emails import send_reset_email
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.customers import invitations
from integrations.models import Connection, User
from integrations.outbox import clock, courier, deliveries
from integrations.outbox.handlers import Limits
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.scheduling import dispatcher
from integrations.outbox.sending import executor
from orders.models import Order
from tests.e2e.world import wait_for
from tests.integrations.simulator.process import free_port
from tests.orders.bodies import place_order

pytestmark = pytest.mark.django_db(transaction=True)


class MailServer:
    """Start aiosmtpd, which stores accepted messages in a maildir."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder / "mail", free_port()
        address = f"127.0.0.1:{self.port}"
        handler = ("-c", "aiosmtpd.handlers.Mailbox", str(self.folder))
        self._process = subprocess.Popen([sys.executable, "-m", "aiosmtpd", "-n", "-l", address, *handler])
        deadline = time.monotonic() + 20
        while not self._is_up():
            assert time.monotonic() < deadline, "the mail server does not answer"
            time.sleep(0.02)

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def messages(self) -> list[EmailMessage]:
        files = sorted((self.folder / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), EmailMessage, policy=default) for file in files]


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[MailServer]:
    server = MailServer(tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.stop()


def carry() -> None:
    for stream in Stream.objects.filter(name__startswith="email"):
        courier.run(stream.pk)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_invitation_arrives_once_as_text_and_html(server: MailServer, order: Order, settings: Any) -> None:
    settings.BRAND_NAME, settings.DEFAULT_FROM_EMAIL = "Testwerk", "Testwerk <tests@testwerk.example>"
    carry()
    carry()
    [message] = server.messages()
    delivery = Delivery.objects.get(kind="invitation")
    names = ("From", "To", "Subject", "Message-ID", "Auto-Submitted")
    assert [str(message[name]) for name in names] == [
        "Testwerk <tests@testwerk.example>",
        "ada@lovelace.example",
        "Your invitation: Package skills (Testwerk)",
        f"<invitation.{delivery.pk}.{order.pk}@localhost>",
        "auto-generated",
    ]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert f"/take/{order.link_token}" in text_of(message)
    assert delivery.state == DeliveryState.DELIVERED


def test_each_reader_of_a_broken_connection_gets_one_of_his_own(
    server: MailServer, connection: Connection, alice: User, staff: User
) -> None:
    lifecycle.require_reconnect(connection, "refused")
    carry()
    assert sorted(str(message["To"]) for message in server.messages()) == [alice.email, staff.email]


@pytest.mark.parametrize(
    ("place", "messages"),
    [("claimed", 1), ("before_send", 1), ("after_reply", 2), ("before_settle", 2), ("after_settle", 1)],
)
def test_courier_that_dies_sends_once_or_where_smtp_cannot_tell_again_under_the_same_id(
    server: MailServer, order: Order, place: str, messages: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    def die(_pid: int, _signal: int) -> None:
        raise Died

    settings.OUTBOX_FAILPOINTS = {place: 1.0}
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", die)
        with pytest.raises(Died):
            carry()
    settings.OUTBOX_FAILPOINTS = {}
    true_now = clock.now
    monkeypatch.setattr(clock, "now", lambda: true_now() + timedelta(seconds=61))
    carry()
    carry()
    ids = [message["Message-ID"] for message in server.messages()]
    assert (len(ids), len(set(ids))) == (messages, 1)
    assert Delivery.objects.get(kind="invitation").state == DeliveryState.DELIVERED


def test_mail_server_that_is_away_is_waited_for(
    server: MailServer, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    carry()
    waiting = Delivery.objects.get(kind="invitation")
    assert (waiting.state, waiting.reason) == (
        DeliveryState.PENDING,
        "the mail server did not accept it (ConnectionRefusedError)",
    )


# Fairness: issue 15, point 4


class CourierThreads:
    """Dispatcher and couriers in threads, as the worker processes run them."""

    def __enter__(self) -> Self:
        self._has_ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(self._dispatch,))]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()
        executor.stop_requested.set()
        for thread in self._threads:
            thread.join()
        executor.stop_requested.clear()

    def _dispatch(self) -> None:
        while not self._has_ended.wait(0.2):
            dispatcher.wake_couriers(self._start_courier)

    def _start_courier(self, stream_id: int) -> None:
        self._threads.append(threading.Thread(target=self._run, args=(courier.run, stream_id)))
        self._threads[-1].start()

    @staticmethod
    def _run(work: Callable[..., object], *arguments: object) -> None:
        try:
            work(*arguments)
        finally:
            connections.close_all()


def fill_up(order: Order, count: int) -> None:
    """Enqueue more invitations of the order's customer."""
    stream = mail.get_candidate_stream(order.connection.customer_id)
    draft = deliveries.Draft("invitation", stream, "", subject=order.pk)
    deliveries.enqueue_all([replace(draft, key=f"{order.pk}:invitation:{number}") for number in range(count)])


def count_waiting() -> int:
    return Delivery.objects.filter(stream__name__startswith="email", state=DeliveryState.PENDING).count()


def wait_for_message(server: MailServer, to: str, seconds: float) -> float:
    """Return after how many seconds the message arrived."""
    started_at = time.monotonic()
    while not any(str(message["To"]) == to for message in server.messages()):
        assert time.monotonic() < started_at + seconds, f"no message to {to} within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - started_at


def test_thousands_of_invitations_delay_no_other_email(
    server: MailServer, order: Order, other_connection: Connection, alice: User, settings: Any
) -> None:
    """A password reset, an invitation of another customer's candidate, and a person's invitation, within seconds."""
    settings.EMAIL_RATE = 20
    fill_up(order, 2000)
    with CourierThreads():
        wait_for_message(server, order.candidate_email, 20)
        assert Browser().post("/accounts/password/reset/", {"email": alice.email}).status_code == 302
        place_order(other_connection, candidate={"id": "2", "email": "grace@hopper.example", "firstName": "Grace"})
        invitations.send_invitation(order.connection.customer, "dora@northwind.example", "viewer", actor=Actor(alice))
        for to in (alice.email, "grace@hopper.example", "dora@northwind.example"):
            wait_for_message(server, to, 10)
        assert count_waiting() > 1500


def test_streams_together_keep_to_the_rate_of_the_mail_server(
    server: MailServer, order: Order, other_connection: Connection, alice: User, settings: Any
) -> None:
    settings.EMAIL_RATE = 8
    fill_up(order, 200)
    fill_up(place_order(other_connection), 200)
    for number in range(200):
        send_reset_email(f"nobody-{number}@northwind.example")
    with CourierThreads():
        wait_for("all three streams to send", lambda: len(group_by_stream()) == 3, 20)
        before, started_at = Attempt.objects.count(), time.monotonic()
        time.sleep(6)
        sent, seconds = Attempt.objects.exclude(outcome="").count() - before, time.monotonic() - started_at
    assert 0 < sent <= 8 * seconds * 1.1


def group_by_stream() -> dict[str, int]:
    sent = Attempt.objects.filter(outcome="delivered").values_list("delivery__stream__name", flat=True)
    return Counter(sent)


def test_backlog_of_one_customer_uses_the_whole_rate(server: MailServer, order: Order, settings: Any) -> None:
    """It is the mail server's, not SmartRecruiters' ten calls a second."""
    settings.EMAIL_RATE = 500
    fill_up(order, 150)
    started_at = time.monotonic()
    carry()
    assert (count_waiting(), time.monotonic() - started_at < 150 / 9.25) == (0, True)


def test_failures_of_one_customers_emails_pause_no_other_stream(
    server: MailServer, order: Order, other_connection: Connection
) -> None:
    """Five failures in a row pause the stream of that customer alone."""
    server.stop()
    fill_up(order, 5)
    carry()
    assert Stream.objects.get(name__startswith="email:").is_paused
    place_order(other_connection)
    assert [stream.name for stream in dispatcher.due_streams() if stream.kind == "email"] == [
        mail.get_candidate_stream(other_connection.customer_id)
    ]


@pytest.mark.parametrize(
    ("name", "active", "limits"),
    [
        ("email", [], (20, 8)),
        ("email:a", [], (20, 8)),
        ("email", ["email:a"], (10, 4)),
        ("email", ["email:a", "email:b", "email:c"], (10, 4)),
        ("email:a", ["email"], (10, 4)),
        ("email:a", ["email:b"], (10, 4)),
        ("email:a", ["email", "email:b"], (5, 2)),
        ("email:a", ["email", "email:b", "email:c", "email:d", "email:e"], (2, 1)),
        ("email:a", ["connection:1", "webhook:wh_1", "emails"], (20, 8)),
    ],
)
def test_streams_that_send_share_the_rate(
    name: str, active: list[str], limits: tuple[float, int], settings: Any
) -> None:
    settings.EMAIL_RATE = 20
    leased = clock.now() + timedelta(seconds=60)
    for other in active:
        Stream.objects.create(name=other, lease_expires_at=leased)
    Stream.objects.create(name="email:idle", lease_expires_at=clock.now() - timedelta(seconds=1))
    stream = Stream.objects.create(name=name, lease_expires_at=leased)
    assert mail.EmailChannel().get_limits(stream) == Limits(*limits)
