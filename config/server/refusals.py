"""Refusals of requests that do not reach Django."""

import time
from collections import Counter
from typing import Any

from integrations.metrics import REFUSED_REQUESTS

REASON_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class RefusedRequestError(Exception):
    """The request is refused with this status. The detail repeats nothing of it."""

    def __init__(self, status: int, detail: str = "") -> None:
        self.status, self.detail = status, detail or REASON_PHRASES[status]


def build_error_response(error: RefusedRequestError) -> bytes:
    """Build a problem document for a request that does not reach Django."""
    reason = REASON_PHRASES[error.status]
    body = (
        f'{{"type": "about:blank", "title": "{reason}", "status": {error.status}, "detail": "{error.detail}", '
        f'"errors": [{{"code": "{reason.lower().replace(" ", "_")}", "message": "{error.detail}"}}]}}'
    )
    head = [
        f"HTTP/1.1 {error.status} {reason}",
        "Connection: close",
        "Content-Type: application/problem+json",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        *["Retry-After: 5"] * (error.status == 503),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body.encode()


class RefusalLog:
    """Counts the refused requests of a process for `/metrics`, and logs a line per status now and then."""

    interval_seconds = 10.0

    def __init__(self, log: Any) -> None:
        self._log = log
        self._unlogged: Counter[int] = Counter()
        self._logged_at: dict[int, float] = {}

    def record(self, status: int, ip: str) -> None:
        """Count a refusal. The line has the client's address and nothing of what it sent."""
        REFUSED_REQUESTS.labels(status=status).inc()
        self._unlogged[status] += 1
        now = time.monotonic()
        if now - self._logged_at.get(status, float("-inf")) >= self.interval_seconds:
            self._logged_at[status] = now
            self._log.warning("Refused requests with %d: %d, the last from %s", status, self._unlogged.pop(status), ip)
