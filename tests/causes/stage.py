"""Stage for causes: an order of Northwind, and a scripted SmartRecruiters, mail server and engine over real sockets."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.contrib.admin.utils import quote
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils.html import escape

from integrations import mail
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.models import ConnectAttempt, Connection, Consent, Invitation, User, Webhook
from integrations.oauth import engine_clients
from integrations.outbox import clock, courier
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.webhooks import endpoints
from orders.models import Order
from tests import rows
from tests.integrations.outbox.peer import Answer, Peer, Received
from tests.integrations.simulator.process import free_port
from tests.orders import bodies

TOKEN = Answer(200, {"access_token": "t1", "token_type": "Bearer", "expires_in": 1800})
PAIR = {"clientId": "theirs", "clientSecret": "their-secret"}
DORA = "dora@northwind.example"


class Mailbox:
    """Mail server that keeps every message as text, by recipient, or refuses every recipient."""

    def __init__(self) -> None:
        self.refusal = ""
        self.texts: dict[str, list[str]] = {}

    async def handle_RCPT(  # noqa: N802  (a hook's name)
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.refusal or "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, EmailMessage, policy=default)
        body = message.get_body(("plain",))
        for address in envelope.rcpt_tos:
            self.texts.setdefault(address, []).append(str(body.get_content()) if body else "")
        return "250 OK"


@contextmanager
def run_mail_server(settings: Any) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()  # type: ignore[no-untyped-call]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield mailbox
    controller.stop()  # type: ignore[no-untyped-call]


class Stage:
    """Northwind is connected and has one order; Alice administers it, Stella is staff."""

    def __init__(self, peer: Peer, mailbox: Mailbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.peer, self.mailbox, self.settings = peer, mailbox, settings
        self.rules: dict[str, list[Answer]] = {"/identity/oauth/token": [TOKEN]}
        peer.answer = self._answer
        self._moved = timedelta(0)
        true_now = clock.now
        monkeypatch.setattr(clock, "now", lambda: true_now() + self._moved)
        self.customer = rows.make_customer("Northwind Retail")
        self.connection = rows.make_connection(self.customer, "northwind")
        self.alice = rows.make_user(self.customer, "alice@northwind.example", name="Alice")
        self.ben = rows.make_user(self.customer, "ben@northwind.example", name="Ben")
        self.stella = rows.make_user(None, "stella@vendor.example", name="Stella")
        self.package = rows.make_package("skills", name="Skills")
        self.order = bodies.place_order(self.connection)
        self.browsers = {person.email: Browser() for person in (self.alice, self.stella)}
        for person in (self.alice, self.stella):
            self.browsers[person.email].force_login(person)
        self.response: Any = None

    def _answer(self, received: Received) -> Answer:
        """Return the next answer of the first rule for a part of the path. The last answer of a rule stays."""
        found = next((answers for part, answers in self.rules.items() if part in received.path), [Answer()])
        return found.pop(0) if len(found) > 1 else found[0]

    def answer(self, part: str, *answers: Answer) -> None:
        others = {other: rule for other, rule in self.rules.items() if other != part}
        self.rules = {part: list(answers), **others}

    def carry(self, stream: str = "", *, times: int = 1) -> None:
        """Run the courier of a stream, of the connection's by default; more than once with all delays skipped."""
        name = stream or self.connection.stream_name
        for number in range(times):
            if number:
                Stream.objects.filter(name=name).update(paused_until=None, next_calls={})
                Delivery.objects.filter(stream__name=name, state=DeliveryState.PENDING).update(due_at=clock.now())
            courier.run(Stream.objects.get(name=name).pk)

    def carry_emails(self) -> None:
        """Run the couriers of all email streams."""
        for stream in Stream.objects.filter(name__startswith=mail.ACCOUNT_STREAM):
            courier.run(stream.pk)

    def wait(self, **length: float) -> None:
        self._moved += timedelta(**length)

    def read_email(self, person: User) -> HttpResponse:
        """Send what is queued, and return the person's last email as a page with a paragraph per line."""
        self.carry_emails()
        lines = self.mailbox.texts[person.email][-1].splitlines()
        return HttpResponse("".join(f"<p>{escape(line)}</p>" for line in lines))

    def reload(self) -> Order:
        self.order = Order.objects.get(pk=self.order.pk)
        self.connection.refresh_from_db()
        return self.order

    def staff(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return self._open(self.stella, path, form)

    def customers(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return self._open(self.alice, path, form)

    def _open(self, person: User, path: str, form: dict[str, Any] | None) -> Any:
        """Open a page or send a form, and follow redirects, also those that Django's test client does not know."""
        browser = self.browsers[person.email]
        response = browser.get(path) if form is None else browser.post(path, form)
        while response.has_header("Location"):
            response = browser.get(response["Location"])
        return response

    def candidate(self, rest: str = "") -> Any:
        return Browser().get(re.sub(r"^https?://[^/]+", "", self.order.take_url) + rest)

    def page_of(self, row: Any) -> str:
        return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{quote(row.pk)}/"

    def delivery(self, kind: str) -> Delivery:
        return Delivery.objects.filter(kind=kind).latest("pk")

    def approve(self, company: str = "northwind", by: User | None = None) -> Consent:
        """Let a person approve a request of SmartRecruiters for this company, on its page."""
        person = by or self.alice
        self.browsers.setdefault(person.email, Browser()).force_login(person)
        opened = self._open(person, f"/smartrecruiters/integration?companyId={company}", None)
        consent = Consent.objects.latest("pk")
        assert opened.status_code == 200
        self.response = self._open(person, f"/smartrecruiters/integration/{consent.key}", {"decision": "approve"})
        return consent

    def progress(self) -> Any:
        return self.customers(f"/smartrecruiters/integration/{Consent.objects.latest('pk').key}/progress")

    def exchange(self, *answers: Answer, company: str = "northwind", by: User | None = None) -> ConnectAttempt:
        """Approve, and let SmartRecruiters answer the exchange."""
        self.answer("/integration/company/", *answers)
        consent = self.approve(company, by)
        self.carry("master", times=len(answers))
        return ConnectAttempt.objects.get(consent=consent)

    def disconnect(self) -> None:
        lifecycle.disable_connection(self.connection, actor=Actor(self.alice), reason="Disconnected by the customer.")

    def invite(self) -> Invitation:
        form = {"organisation": self.customer.pk, "email": DORA, "role": "viewer"}
        self.response = self.customers("/people/invite", form)
        return Invitation.objects.get()

    def register_webhook(self) -> Webhook:
        engine, _ = engine_clients.create_client("Staging engine")
        return endpoints.register(engine, url=f"{self.peer.url}/hook", events=["order.created"])

    def connection_of(self, company: str) -> Connection:
        return Connection.objects.get(company_id=company)


Provoke = Callable[[Stage], object]
