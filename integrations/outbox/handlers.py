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

from integrations.http.client import CallFailed, Outgoing, Reply, send
from integrations.outbox.models import Delivery, Stream
from integrations.outbox.retry_policy import Cure


class CallRefused(CallFailed):
    """The other side refused for good, in words of its own (an SMTP 5xx, say): a dead letter, not a retry."""


class Undeliverable(Exception):
    """Raised by `call`: this delivery can never be made; the message says why and what to do."""


@dataclass(frozen=True)
class Call:
    """One call to be made. `run` gets its total deadline in seconds; it raises CallFailed or returns the Reply."""

    endpoint: str
    run: Callable[[float], Reply]
    request: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, outgoing: Outgoing) -> Self:
        """An HTTP request through the one door."""
        return cls(outgoing.endpoint, partial(send, outgoing), outgoing.shown())


class Handler:
    """One kind of delivery. Subclass, set what differs, and register an instance in the app's `ready`.

    `expects`: the type of a success's parsed body, None where there is none. `supersedes`: payloads are complete, so
    a newer one replaces one that failed. `is_read`: a second 401 means "no access", and is an end, not a failure.
    `cures`: statuses that mean something else here than in `cures.CURES`.
    """

    kind: ClassVar[str]
    success: ClassVar[frozenset[int]] = frozenset({200})
    expects: ClassVar[type | None] = dict
    is_idempotent: ClassVar[bool] = True
    is_read: ClassVar[bool] = False
    supersedes: ClassVar[bool] = False
    cures: ClassVar[Mapping[int, Cure]] = {}
    deadline_seconds: ClassVar[float] = 25
    gives_up_after: ClassVar[timedelta] = timedelta(days=7)
    not_found_is_fresh_for: ClassVar[timedelta] = timedelta(0)

    def gather(self, deliveries: Sequence[Delivery]) -> None:
        """Read at once what `unwanted` and `call` will ask about each: what a round prepares is all of one stream."""

    def unwanted(self, delivery: Delivery) -> str:
        """Why this need not be sent any more (erased, superseded, already confirmed); empty: send it."""
        return ""

    def call(self, delivery: Delivery, token: str) -> Call:
        """The call to make now. Raises Undeliverable."""
        raise TypeError(f"{type(self).__name__} must say how it calls")

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        """Keep what came back. In the transaction that marks the delivery delivered."""

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        """The delivery is dead, or ended in `no access`. In the transaction that says so."""

    def retried(self, delivery: Delivery) -> None:
        """It did not work and will be tried again. In the transaction that says so."""

    def unknown(self, delivery: Delivery) -> None:
        """Nobody knows whether it had its effect. In the transaction that says so."""

    def settled(self, delivery: Delivery) -> None:
        """A person has seen that it had its effect; what the answer said is not known. In the same transaction."""

    def must_wait(self, delivery: Delivery) -> bool:
        """Something under another key has to end first: it is looked at again in a moment."""
        return False

    def keeps_answer(self, delivery: Delivery) -> bool:
        """Whether `delivered` has anything to do. Those of which nothing is kept are settled many at a time."""
        return type(self).delivered is not Handler.delivered


class Stranger(Handler):
    """Of a kind that this version does not know: a newer one decided it, and was rolled back (RELIABILITY.md, D55)."""

    kind = ""
    is_idempotent = False

    def call(self, delivery: Delivery, token: str) -> Call:
        raise Undeliverable("This version of the portal knows no such delivery: send it again from one that does.")


class Channel:
    """What the deliveries of one kind of stream share: the credential, and what to do when it is refused."""

    kind: ClassVar[str]
    needs_token: ClassVar[bool] = False
    calls_a_second: ClassVar[float] = 9.25
    parallel: ClassVar[int] = 8
    lease_seconds: ClassVar[float] = 60

    def token(self, stream: Stream) -> str:
        """The access token we hold, or "" when there is none or it is about to expire."""
        return ""

    def token_call(self, stream: Stream) -> Call:
        """The call that gets a new token. Raises Undeliverable when there is no credential."""
        raise TypeError(f"{type(self).__name__} has no tokens")

    def keep_token(self, stream: Stream, reply: Reply) -> str:
        """Store the token of a 200 and return it. Raises CallFailed when the answer holds none that can be used."""
        raise TypeError(f"{type(self).__name__} has no tokens")

    def forget_token(self, stream: Stream) -> None:
        """The token was refused."""

    def pair(self, stream: Stream) -> str:
        """What tells the pair that `token_call` shows from one that comes in its place."""
        return ""

    def credential_refused(self, stream: Stream, reason: str, pair: str | None = None) -> None:
        """This pair itself was refused (or three orders in a row were): say so where people look, unless there is
        another one by now."""


_stranger = Stranger()
_handlers: dict[str, Handler] = {}
_channels: dict[str, Channel] = {}


def register(*parts: Handler | Channel) -> None:
    for part in parts:
        if isinstance(part, Handler):
            _handlers[part.kind] = part
        else:
            _channels[part.kind] = part


def handler_of(delivery: Delivery) -> Handler:
    return _handlers.get(delivery.kind, _stranger)


def superseding() -> list[str]:
    """The kinds of which a newer one makes an older one needless."""
    return [kind for kind, handler in _handlers.items() if handler.supersedes]


def channel_of(stream: Stream) -> Channel:
    return _channels[stream.kind]
