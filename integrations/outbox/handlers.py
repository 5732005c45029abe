"""Plug-in interface of the outbox: a handler per kind of delivery, a channel per kind of stream.

A handler splits an attempt in three: `build_call` (database, before), `Call.run` (network only, in a pool of threads),
and a hook, `on_delivered` say (database, in the transaction that settles the attempt).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Self

from integrations.http.client import CallFailedError, OutgoingRequest, Response, send_request
from integrations.outbox.models import Delivery, Stream
from integrations.outbox.sending.retry_policy import Disposition


class PermanentFailureError(CallFailedError):
    """The other side refused permanently, by an SMTP 5xx for example: a dead letter, not a retry."""


class UndeliverableError(Exception):
    """Raised by `build_call` for a call that can never be made. The message gives the reason and the remedy."""


@dataclass(frozen=True)
class Call:
    """A call to make. `run` takes its deadline in seconds and returns the response or raises CallFailedError."""

    endpoint: str
    run: Callable[[float], Response]
    request: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_request(
        cls, outgoing: OutgoingRequest, redact: Callable[[Response], Response] = lambda response: response
    ) -> Self:
        """Build the call that sends an HTTP request. `redact` masks secrets in the text of the response."""
        return cls(
            outgoing.endpoint, lambda deadline: redact(send_request(outgoing, deadline)), outgoing.redacted_dict()
        )


class Handler:
    """A kind of delivery. Subclass it and register an instance in the app's `ready`.

    `response_type`: type of a success's parsed body, None for any body. `is_superseding`: a payload is the complete
    state, so a newer delivery replaces an older one. `is_read`: a second 401 ends it with "no access". `dispositions`:
    statuses that differ from `retry_policy.DISPOSITION_BY_STATUS`. `channel`: kind of its streams. Hooks run in the
    transaction of the state's change. `label`, `phrase` and `delivered_text` describe it to people.
    """

    kind: str
    channel: ClassVar[str] = "connection"
    success_statuses: ClassVar[frozenset[int]] = frozenset({200})
    response_type: ClassVar[type | None] = dict
    is_idempotent: ClassVar[bool] = True
    is_read: ClassVar[bool] = False
    is_superseding: ClassVar[bool] = False
    dispositions: ClassVar[Mapping[int, Disposition]] = {}
    deadline_seconds: ClassVar[float] = 25
    retry_for: ClassVar[timedelta] = timedelta(days=7)
    retry_not_found_for: ClassVar[timedelta] = timedelta(0)

    @property
    def label(self) -> str:
        """The kind's name in a list."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def phrase(self) -> str:
        """The kind's name within a sentence, like "the result"."""
        return f"the {self.label.lower()}"

    @property
    def delivered_text(self) -> str:
        return f"{self.label} delivered"

    def prefetch(self, deliveries: Sequence[Delivery]) -> Mapping[int, Any]:
        """Return a context per primary key, for the deliveries of one cycle. It becomes `Delivery.context`."""
        return {}

    def skip_reason(self, delivery: Delivery) -> str:
        """Return why the delivery need not be sent any more, or an empty string."""
        return ""

    def is_blocked(self, delivery: Delivery) -> bool:
        """Return True to look at the delivery again in a second, because it must wait for another sequence key."""
        return False

    def harmless_reason(self, delivery: Delivery, response: Response | None) -> str:
        """Return why a permanent refusal is no failure for staff to look at, or an empty string."""
        return ""

    def build_call(self, delivery: Delivery, token: str) -> Call:
        """Build the call to make now. Raises UndeliverableError."""
        raise NotImplementedError

    def needs_response(self, delivery: Delivery) -> bool:
        """Return False if `on_delivered` has no effect for it: then successes are settled in bulk."""
        return type(self).on_delivered is not Handler.on_delivered

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        """Store the response of a success."""

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        """React to a dead letter, or to the end of a read with "no access"."""

    def on_retry(self, delivery: Delivery) -> None:
        """React to a failure that will be retried."""

    def on_unknown(self, delivery: Delivery) -> None:
        """React to an unknown outcome."""

    def on_marked_delivered(self, delivery: Delivery) -> None:
        """React to a person's word that an unknown delivery was processed."""


class UnknownKindHandler(Handler):
    """Handler of a kind that a newer version enqueued before it was rolled back."""

    is_idempotent = False

    def __init__(self, kind: str) -> None:
        self.kind = kind

    @property
    def phrase(self) -> str:
        return f"“{self.label.lower()}”"

    def build_call(self, delivery: Delivery, token: str) -> Call:
        raise UndeliverableError(
            "This version of the portal does not know this kind of delivery. Send it again after an upgrade."
        )


@dataclass(frozen=True)
class Limits:
    """How fast a stream may call its peer."""

    calls_per_second: float
    max_parallel: int


class Channel:
    """A kind of stream: its peer, credential, limits and lease.

    `hop`: the peer's lane in an order's timeline. `status_phrases`: statuses that differ from
    `failure_messages.STATUS_PHRASES`.
    """

    kind: ClassVar[str]
    peer_name: ClassVar[str] = "The other side"
    hop: ClassVar[str] = "out"
    status_phrases: ClassVar[Mapping[int, str]] = {}
    needs_token: ClassVar[bool] = False
    calls_per_second: ClassVar[float] = 9.25
    max_parallel: ClassVar[int] = 8
    lease_seconds: ClassVar[float] = 60

    def get_limits(self, stream: Stream) -> Limits:
        """Return the limits of the stream for the next second."""
        return Limits(self.calls_per_second, self.max_parallel)

    def stored_token(self, stream: Stream) -> str:
        """Return the stored access token, or "" if there is no token or it is about to expire."""
        return ""

    def build_token_call(self, stream: Stream) -> Call:
        """Build the call that requests a token. Raises UndeliverableError without a credential."""
        raise NotImplementedError

    def store_token(self, stream: Stream, response: Response) -> str:
        """Store the token of a 200 and return it. Raises CallFailedError for an unusable response."""
        raise NotImplementedError

    def invalidate_token(self, stream: Stream) -> None:
        """Forget the stored token, which was refused."""

    def credentials_id(self, stream: Stream) -> str:
        """Return an id of the credentials that `build_token_call` uses, so that a replacement can be detected."""
        return ""

    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        """Hold the stream and notify people, unless the credentials were replaced after `credentials_id`."""


_handlers: dict[str, Handler] = {}
_channels: dict[str, Channel] = {}


def register(*parts: Handler | Channel) -> None:
    for part in parts:
        if isinstance(part, Handler):
            _handlers[part.kind] = part
        else:
            _channels[part.kind] = part


def get_handler(delivery: Delivery) -> Handler:
    return get_handler_of_kind(delivery.kind)


def get_handler_of_kind(kind: str) -> Handler:
    return _handlers.get(kind) or UnknownKindHandler(kind)


def registered_handlers() -> list[Handler]:
    return list(_handlers.values())


def superseding_kinds() -> list[str]:
    return [kind for kind, handler in _handlers.items() if handler.is_superseding]


def get_channel(stream: Stream) -> Channel:
    return _channels[stream.kind]


def describe_channel(kind: str) -> Channel:
    """Return the channel, or an anonymous one for an unknown kind: for texts only."""
    return _channels.get(kind) or Channel()
