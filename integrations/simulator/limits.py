"""Rate limiter of SmartRecruiters' API: calls per second and endpoint, and concurrent calls, per credential."""

import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass

WINDOW_SECONDS = 1.0


@dataclass(frozen=True)
class LimitStatus:
    """Limits and usage of one credential at one endpoint, including the current call."""

    refusal_reason: str | None
    limit: int
    remaining: int
    concurrent_limit: int
    concurrent: int

    def build_headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Concurrent-Limit": str(self.concurrent_limit),
            "X-RateLimit-Concurrent-Remaining": str(max(0, self.concurrent_limit - self.concurrent)),
        }


class RateLimiter:
    """Sliding window of admitted calls per credential and endpoint, and count of running calls per credential."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._windows: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._in_flight: defaultdict[str, int] = defaultdict(int)

    def acquire_slot(
        self, credential: str, endpoint: str, *, rate: int, concurrent: int, enforced: bool
    ) -> LimitStatus:
        """Count a call and return whether it is refused. Call `release_slot` afterwards in either case."""
        now = time.monotonic()
        with self._lock:
            self._in_flight[credential] += 1
            in_flight = self._in_flight[credential]
            window = self._windows[credential, endpoint]
            while window and window[0] <= now - WINDOW_SECONDS:
                window.popleft()
            reason = None
            if enforced and len(window) >= rate:
                reason = f"more than {rate} requests a second"
            elif enforced and in_flight > concurrent:
                reason = f"more than {concurrent} concurrent requests"
            else:
                window.append(now)
            return LimitStatus(reason, rate, max(0, rate - len(window)), concurrent, in_flight)

    def release_slot(self, credential: str) -> None:
        with self._lock:
            self._in_flight[credential] -= 1
            if not self._in_flight[credential]:
                del self._in_flight[credential]
