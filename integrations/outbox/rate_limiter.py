"""The pace of one credential: calls a second per endpoint, kept in the stream's row so that a new holder paces on."""

from collections.abc import Mapping
from typing import Self

from integrations.outbox.retry_policy import whole_number

ROUND_NUMBER_MARGIN = 0.95
"""At exactly the allowed rate, jitter puts one call too many into some second (STACK.md, "Outgoing")."""
CATCH_UP_SECONDS = 0.01
"""A call that starts so late does not delay the next one; any eleven calls still span more than a second."""

MISCOUNTED = 2
"""Calls that arrived in another second than they went out in."""


class Pace:
    """When each endpoint may be called next, in epoch seconds."""

    def __init__(self, calls_a_second: float, next_calls: Mapping[str, float]) -> None:
        self.interval = 1 / calls_a_second
        self.intervals: dict[str, float] = {}
        self.next_calls = dict(next_calls)
        self.recent: dict[str, list[float]] = {}

    @classmethod
    def resume(cls, calls_a_second: float, kept: Mapping[str, float], now: float) -> Self:
        """What a former holder left; a time that lies further ahead than a pause may is a clock that jumped."""
        return cls(calls_a_second, {endpoint: at for endpoint, at in kept.items() if now < at < now + 60})

    def wait(self, endpoint: str, now: float) -> float:
        """Seconds until the endpoint may be called."""
        return max(0.0, self.next_calls.get(endpoint, 0.0) - now)

    def called(self, endpoint: str, now: float) -> None:
        start = max(now - CATCH_UP_SECONDS, self.next_calls.get(endpoint, 0.0))
        self.next_calls[endpoint] = start + self.intervals.get(endpoint, self.interval)

    def went_out(self, endpoint: str, now: float) -> int:
        """The call's first byte goes out now, perhaps later than it was `called`: the next one keeps its distance.

        Returns how many of ours went out in the second that ends with it.
        """
        distance = self.intervals.get(endpoint, self.interval) - CATCH_UP_SECONDS
        self.next_calls[endpoint] = max(self.next_calls[endpoint], now + distance)
        self.recent[endpoint] = [at for at in self.recent.get(endpoint, []) if at > now - 1] + [now]
        return len(self.recent[endpoint])

    def correct(self, endpoint: str, headers: Mapping[str, str], now: float, ours: int) -> None:
        """Slow down where `X-RateLimit-*` says that less is allowed than we thought, or that somebody else uses the
        credential, too: a window that is full, and not of the calls of ours that `went_out` counted."""
        limit = whole_number(headers.get("X-RateLimit-Limit", ""))
        if not limit:
            return
        self.intervals[endpoint] = max(self.interval, 1 / (limit * ROUND_NUMBER_MARGIN))
        if headers.get("X-RateLimit-Remaining") == "0" and ours < limit - MISCOUNTED:
            used_up_until = now + 2 * self.intervals[endpoint]
            self.next_calls[endpoint] = max(self.next_calls.get(endpoint, 0.0), used_up_until)
