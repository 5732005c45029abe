"""How the outbox meets the apps above it: a handler per kind of delivery, a channel per kind of stream.

The courier's coordinator alone touches the database; calls run in a pool of threads. So a handler splits an attempt
in three: `call` (database, before), `Call.run` (network only), `delivered` or `failed` (database, in the transaction
that closes the attempt).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Self

from integrations.http.client import CallFailedError, OutgoingRequest, Response, send_request
from integrations.outbox.models import Delivery, Stream
from integrations.outbox.retry_policy import Disposition


class PermanentFailureError(CallFailedError):
    """The other side refused for good, in words of its own (an SMTP 5xx, say): a dead letter, not a retry."""


class UndeliverableError(Exception):
    """Raised by `call`: this delivery can never be made; the message says why and what to do."""


@dataclass(frozen=True)
class Call:
    """One call to be made. `run` gets its total deadline in seconds; it raises CallFailed or returns the Reply."""

    endpoint: str
    run: Callable[[float], Response]
    request: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_request(cls, outgoing: OutgoingRequest) -> Self:
        """An HTTP request through the one door."""
        return cls(outgoing.endpoint, partial(send_request, outgoing), outgoing.redacted_dict())


class Handler:
    """One kind of delivery. Subclass, set what differs, and register an instance in the app's `ready`.

    `expects`: the type of a success's parsed body, None where there is none. `supersedes`: payloads are complete, so
    a newer one replaces one that failed. `is_read`: a second 401 means "no access", and is an end, not a failure.
    `cures`: statuses that mean something else here than in `cures.CURES`.
    """

    kind: ClassVar[str]
    success_statuses: ClassVar[frozenset[int]] = frozenset({200})
    response_type: ClassVar[type | None] = dict
    is_idempotent: ClassVar[bool] = True
    is_read: ClassVar[bool] = False
    is_superseding: ClassVar[bool] = False
    dispositions: ClassVar[Mapping[int, Disposition]] = {}
    deadline_seconds: ClassVar[float] = 25
    retry_for: ClassVar[timedelta] = timedelta(days=7)
    retry_not_found_for: ClassVar[timedelta] = timedelta(0)

    def prefetch(self, deliveries: Sequence[Delivery]) -> None:
        """Read at once what `unwanted` and `call` will ask about each: what a round prepares is all of one stream."""

    def skip_reason(self, delivery: Delivery) -> str:
        """Why this need not be sent any more (erased, superseded, already confirmed); empty: send it."""
        return ""

    def build_call(self, delivery: Delivery, token: str) -> Call:
        """The call to make now. Raises Undeliverable."""
        raise TypeError(f"{type(self).__name__} must say how it calls")

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        """Keep what came back. In the transaction that marks the delivery delivered."""

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        """The delivery is dead, or ended in `no access`. In the transaction that says so."""

    def on_retry(self, delivery: Delivery) -> None:
        """It did not work and will be tried again. In the transaction that says so."""

    def on_unknown(self, delivery: Delivery) -> None:
        """Nobody knows whether it had its effect. In the transaction that says so."""

    def on_marked_delivered(self, delivery: Delivery) -> None:
        """A person has seen that it had its effect; what the answer said is not known. In the same transaction."""

    def is_blocked(self, delivery: Delivery) -> bool:
        """Something under another key has to end first: it is looked at again in a moment."""
        return False

    def needs_response(self, delivery: Delivery) -> bool:
        """Whether `delivered` has anything to do. Those of which nothing is kept are settled many at a time."""
        return type(self).on_delivered is not Handler.on_delivered


class UnknownKindHandler(Handler):
    """Of a kind that this version does not know: a newer one decided it, and was rolled back (RELIABILITY.md, D55)."""

    kind = ""
    is_idempotent = False

    def build_call(self, delivery: Delivery, token: str) -> Call:
        raise UndeliverableError("This version of the portal knows no such delivery: send it again from one that does.")


class Channel:
    """What the deliveries of one kind of stream share: the credential, and what to do when it is refused."""

    kind: ClassVar[str]
    needs_token: ClassVar[bool] = False
    calls_per_second: ClassVar[float] = 9.25
    max_parallel: ClassVar[int] = 8
    lease_seconds: ClassVar[float] = 60

    def stored_token(self, stream: Stream) -> str:
        """The access token we hold, or "" when there is none or it is about to expire."""
        return ""

    def build_token_call(self, stream: Stream) -> Call:
        """The call that gets a new token. Raises Undeliverable when there is no credential."""
        raise TypeError(f"{type(self).__name__} has no tokens")

    def store_token(self, stream: Stream, response: Response) -> str:
        """Store the token of a 200 and return it. Raises CallFailed when the answer holds none that can be used."""
        raise TypeError(f"{type(self).__name__} has no tokens")

    def invalidate_token(self, stream: Stream) -> None:
        """The token was refused."""

    def credentials_id(self, stream: Stream) -> str:
        """What tells the pair that `token_call` shows from one that comes in its place."""
        return ""

    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        """This pair itself was refused (or three orders in a row were): say so where people look, unless there is
        another one by now."""


_unknown_kind_handler = UnknownKindHandler()
_handlers: dict[str, Handler] = {}
_channels: dict[str, Channel] = {}


def register(*parts: Handler | Channel) -> None:
    for part in parts:
        if isinstance(part, Handler):
            _handlers[part.kind] = part
        else:
            _channels[part.kind] = part


def get_handler(delivery: Delivery) -> Handler:
    return _handlers.get(delivery.kind, _unknown_kind_handler)


def superseding_kinds() -> list[str]:
    """The kinds of which a newer one makes an older one needless."""
    return [kind for kind, handler in _handlers.items() if handler.is_superseding]


def get_channel(stream: Stream) -> Channel:
    return _channels[stream.kind]
