"""Emails, received by a real mail server in its own process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from integrations.connections import lifecycle
from integrations.models import Connection, User
from integrations.outbox import clock, courier
from integrations.outbox.models import Delivery, DeliveryState, Stream
from orders.models import Order
from tests.integrations.simulator.process import free_port

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
    courier.run(Stream.objects.get(name="email").pk)


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
