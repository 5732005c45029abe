"""Rate limiter of a stream: spaces the calls of each endpoint. Times are epoch seconds, and the caller waits.

`next_calls` is stored in the stream's row, so that the next holder of the lease continues the spacing.
"""

from collections.abc import Mapping
from typing import Self

from integrations.outbox.sending.retry_policy import parse_int

RATE_MARGIN = 0.95  # at exactly the allowed rate, jitter puts one call too many into some second
# A call that starts this late does not delay the next one. Any eleven calls still span more than a second.
CATCH_UP_SECONDS = 0.01
COUNT_TOLERANCE = 2  # calls that the other side may count in another second than ours


class RateLimiter:
    def __init__(self, calls_per_second: float, next_calls: Mapping[str, float]) -> None:
        self.interval = 1 / calls_per_second
        self.intervals: dict[str, float] = {}
        self.next_calls = dict(next_calls)
        self.recent_sends: dict[str, list[float]] = {}

    @classmethod
    def from_stored(cls, calls_per_second: float, stored: Mapping[str, float], now: float) -> Self:
        """Restore the limiter of the last holder. Times more than a minute ahead come from a clock that jumped."""
        return cls(calls_per_second, {endpoint: at for endpoint, at in stored.items() if now < at < now + 60})

    def wait_seconds(self, endpoint: str, now: float) -> float:
        """Return the seconds until the endpoint may be called."""
        return max(0.0, self.next_calls.get(endpoint, 0.0) - now)

    def reserve_slot(self, endpoint: str, now: float) -> None:
        """Count a call that starts now."""
        start = max(now - CATCH_UP_SECONDS, self.next_calls.get(endpoint, 0.0))
        self.next_calls[endpoint] = start + self.intervals.get(endpoint, self.interval)

    def record_send(self, endpoint: str, now: float) -> int:
        """Note that a reserved call sends its first byte now, and space the next call from there.

        Returns how many calls were sent in the second that ends now.
        """
        distance = self.intervals.get(endpoint, self.interval) - CATCH_UP_SECONDS
        self.next_calls[endpoint] = max(self.next_calls[endpoint], now + distance)
        self.recent_sends[endpoint] = [at for at in self.recent_sends.get(endpoint, []) if at > now - 1] + [now]
        return len(self.recent_sends[endpoint])

    def adjust_rate(self, endpoint: str, headers: Mapping[str, str], now: float, sent_in_window: int) -> None:
        """Slow down as `X-RateLimit-*` demands.

        A full window that our own `sent_in_window` calls did not fill means that another client uses the credential.
        """
        limit = parse_int(headers.get("X-RateLimit-Limit", ""))
        if not limit:
            return
        self.intervals[endpoint] = max(self.interval, 1 / (limit * RATE_MARGIN))
        if headers.get("X-RateLimit-Remaining") == "0" and sent_in_window < limit - COUNT_TOLERANCE:
            used_up_until = now + 2 * self.intervals[endpoint]
            self.next_calls[endpoint] = max(self.next_calls.get(endpoint, 0.0), used_up_until)
