"""The pace of one credential: calls a second per endpoint, kept in the stream's row so that a new holder paces on."""

from collections.abc import Mapping
from typing import Self

from integrations.outbox.retry_policy import parse_int

RATE_MARGIN = 0.95
"""At exactly the allowed rate, jitter puts one call too many into some second (STACK.md, "Outgoing")."""
CATCH_UP_SECONDS = 0.01
"""A call that starts so late does not delay the next one; any eleven calls still span more than a second."""

COUNT_TOLERANCE = 2
"""Calls that arrived in another second than they went out in."""


class RateLimiter:
    """When each endpoint may be called next, in epoch seconds."""

    def __init__(self, calls_per_second: float, next_calls: Mapping[str, float]) -> None:
        self.interval = 1 / calls_per_second
        self.intervals: dict[str, float] = {}
        self.next_calls = dict(next_calls)
        self.recent_sends: dict[str, list[float]] = {}

    @classmethod
    def from_stored(cls, calls_per_second: float, stored: Mapping[str, float], now: float) -> Self:
        """What a former holder left; a time that lies further ahead than a pause may is a clock that jumped."""
        return cls(calls_per_second, {endpoint: at for endpoint, at in stored.items() if now < at < now + 60})

    def wait_seconds(self, endpoint: str, now: float) -> float:
        """Seconds until the endpoint may be called."""
        return max(0.0, self.next_calls.get(endpoint, 0.0) - now)

    def reserve_slot(self, endpoint: str, now: float) -> None:
        start = max(now - CATCH_UP_SECONDS, self.next_calls.get(endpoint, 0.0))
        self.next_calls[endpoint] = start + self.intervals.get(endpoint, self.interval)

    def record_send(self, endpoint: str, now: float) -> int:
        """The call's first byte goes out now, perhaps later than it was `called`: the next one keeps its distance.

        Returns how many of ours went out in the second that ends with it.
        """
        distance = self.intervals.get(endpoint, self.interval) - CATCH_UP_SECONDS
        self.next_calls[endpoint] = max(self.next_calls[endpoint], now + distance)
        self.recent_sends[endpoint] = [at for at in self.recent_sends.get(endpoint, []) if at > now - 1] + [now]
        return len(self.recent_sends[endpoint])

    def adjust_rate(self, endpoint: str, headers: Mapping[str, str], now: float, sent_in_window: int) -> None:
        """Slow down where `X-RateLimit-*` says that less is allowed than we thought, or that somebody else uses the
        credential, too: a window that is full, and not of the calls of ours that `went_out` counted."""
        limit = parse_int(headers.get("X-RateLimit-Limit", ""))
        if not limit:
            return
        self.intervals[endpoint] = max(self.interval, 1 / (limit * RATE_MARGIN))
        if headers.get("X-RateLimit-Remaining") == "0" and sent_in_window < limit - COUNT_TOLERANCE:
            used_up_until = now + 2 * self.intervals[endpoint]
            self.next_calls[endpoint] = max(self.next_calls.get(endpoint, 0.0), used_up_until)
