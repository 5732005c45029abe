import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from integrations.http.client import OutgoingRequest, Response
from integrations.outbox import clock, courier, deliveries, handlers
from integrations.outbox.models import Delivery, Priority, Stream
from tests.integrations.outbox.peer import Peer, run_peer


class Probe(handlers.Handler):
    """Handler that POSTs its payload to the path in it, and records the calls of its hooks."""

    kind = "probe"
    is_superseding = True
    url = ""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, int, str]] = []

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        if delivery.payload.get("never"):
            raise handlers.UndeliverableError("there is no such thing")
        kind = "application/merge-patch+json" if delivery.variant else "application/json"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        path = delivery.payload.get("path", "/")
        return handlers.Call.from_request(
            OutgoingRequest("POST", self.url + path, delivery.payload.get("endpoint", "x"), headers, delivery.payload)
        )

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        if delivery.payload.get("bug"):
            raise ZeroDivisionError
        self.recorded.append(("delivered", delivery.pk, ""))

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        self.recorded.append(("failed", delivery.pk, reason))


class ReadProbe(Probe):
    kind = "read"
    is_read = True


class UploadProbe(Probe):
    kind = "once"
    is_idempotent = False
    is_superseding = False


class ProbeChannel(handlers.Channel):
    """Channel with tokens t1, t2, …; `refusal` is the reason once the credentials were refused."""

    kind = "probe"
    needs_token = True
    url = ""

    def __init__(self) -> None:
        self.token, self.refusal = "", ""
        self.number = 0

    def stored_token(self, stream: Stream) -> str:
        return self.token

    def build_token_call(self, stream: Stream) -> handlers.Call:
        return handlers.Call.from_request(OutgoingRequest("POST", f"{self.url}/token", "token"))

    def store_token(self, stream: Stream, response: Response) -> str:
        self.number += 1
        self.token = f"t{self.number}"
        return self.token

    def invalidate_token(self, stream: Stream) -> None:
        self.token = ""

    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        self.refusal = reason
        deliveries.hold_stream(stream.name, reason)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with run_peer() as peer:
        yield peer


@pytest.fixture
def channel(peer: Peer, transactional_db: None) -> Iterator[ProbeChannel]:
    channel = ProbeChannel()
    channel.url = peer.url
    for handler in (Probe(), ReadProbe(), UploadProbe()):
        handler.url = peer.url
        handlers.register(handler)
    handlers.register(channel)
    yield channel
    for thread in threading.enumerate():
        if thread.name == "parking":
            thread.join(30)


Enqueue = Callable[..., Delivery]


@pytest.fixture
def enqueue(channel: ProbeChannel) -> Enqueue:
    def enqueue_one(
        key: str = "a",
        kind: str = "probe",
        priority: Priority = Priority.ACT,
        stream: str = "probe:1",
        **payload: object,
    ) -> Delivery:
        if kind == "probe":
            deliveries.cancel_by_key([key], deliveries.SUPERSEDED_REASON)
        return deliveries.enqueue(
            kind, stream=stream, key=key, priority=priority, payload={"path": f"/{key}", **payload}
        )

    return enqueue_one


@pytest.fixture
def run_courier() -> Callable[[], None]:
    """Run a courier once for the probe's stream, in this thread."""

    def once(name: str = "probe:1") -> None:
        courier.run(Stream.objects.get(name=name).pk)

    return once


@pytest.fixture
def advance_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the courier's clock forward."""
    moved = [timedelta(0)]
    true_now = clock.now

    def by(step: timedelta) -> None:
        moved[0] += step

    monkeypatch.setattr(clock, "now", lambda: true_now() + moved[0])
    return by
