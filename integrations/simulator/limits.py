"""Rate limiter of SmartRecruiters' API: calls per second and endpoint, and concurrent calls, per credential."""

import threading
from bisect import bisect, bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass

WINDOW_SECONDS = 1.0
KEPT_SECONDS = 60.0  # a call may be counted long after it arrived, if the simulator is busy


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
        self._admitted: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._in_flight: defaultdict[str, int] = defaultdict(int)

    def acquire_slot(
        self, credential: str, endpoint: str, *, arrived_at: float, rate: int, concurrent: int, enforced: bool
    ) -> LimitStatus:
        """Count a call and return whether it is refused. Call `release_slot` afterwards in either case.

        `arrived_at` is a monotonic time in seconds. Calls may be counted in another order than that of their arrival.
        """
        with self._lock:
            self._in_flight[credential] += 1
            in_flight = self._in_flight[credential]
            admitted = self._admitted[credential, endpoint]
            del admitted[: bisect(admitted, arrived_at - KEPT_SECONDS)]
            used = _find_fullest_window(admitted, arrived_at)
            reason = None
            if enforced and used >= rate:
                reason = f"more than {rate} requests a second"
            elif enforced and in_flight > concurrent:
                reason = f"more than {concurrent} concurrent requests"
            else:
                insort(admitted, arrived_at)
                used += 1
            return LimitStatus(reason, rate, max(0, rate - used), concurrent, in_flight)

    def release_slot(self, credential: str) -> None:
        with self._lock:
            self._in_flight[credential] -= 1
            if not self._in_flight[credential]:
                del self._in_flight[credential]


def _find_fullest_window(admitted: list[float], at: float) -> int:
    """Return the greatest number of admitted calls in any second that a call at this time would belong to."""
    begins = [*admitted[bisect(admitted, at - WINDOW_SECONDS) : bisect(admitted, at)], at]
    return max(bisect_left(admitted, begin + WINDOW_SECONDS) - bisect_left(admitted, begin) for begin in begins)
