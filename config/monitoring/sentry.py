"""Error reporting to Sentry, or to another error tracker with its protocol, at SENTRY_DSN.

An event holds the line that the log has and, of an exception, the stack without local variables; never the request.
The SDK's integrations stay off: they would add requests, users and breadcrumbs.
"""

import logging
import time
from contextlib import suppress
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.utils import event_from_exception
from sentry_sdk.worker import BackgroundWorker

from integrations.http.client import CallFailedError, OutgoingRequest, send_request
from integrations.redaction import redact_log_value

MAX_QUEUED = 50
DEADLINE_SECONDS = 5.0
REPEAT_AFTER_SECONDS = 60.0
MAX_REMEMBERED = 1000
MAX_TEXT_CHARACTERS = 8000


class HTTPClientTransport(Transport):
    """Sentry transport that sends through the portal's HTTP client, from a thread with a bounded queue.

    Events that do not fit the queue, and failed calls, are dropped: the log has them.
    """

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        auth = self.parsed_dsn.to_auth("partnerside/1")  # type: ignore[union-attr]
        self._url = auth.get_api_url()
        self._headers = {"X-Sentry-Auth": auth.to_header(), "Content-Type": "application/x-sentry-envelope"}
        self._worker = BackgroundWorker(MAX_QUEUED)

    def capture_envelope(self, envelope: Envelope) -> None:
        self._worker.submit(lambda: self._send(envelope.serialize()))

    def _send(self, body: bytes) -> None:
        request = OutgoingRequest("POST", self._url, "envelope", self._headers, body=body, expects_json=False)
        with suppress(CallFailedError):
            send_request(request, DEADLINE_SECONDS)


class SentryHandler(logging.Handler):
    """Logging handler that reports errors, at most once a minute for each place in the code."""

    def __init__(self, dsn: str) -> None:
        super().__init__(logging.ERROR)
        self._reported_at: dict[tuple[object, ...], float] = {}
        self._client = sentry_sdk.Client(
            dsn,
            transport=HTTPClientTransport,
            before_send=lambda event, _hint: redact_log_value(event),
            default_integrations=False,
            auto_enabling_integrations=False,
            include_local_variables=False,
            enable_backpressure_handling=False,
            spotlight=False,
            max_value_length=MAX_TEXT_CHARACTERS,
            release="partnerside",  # otherwise the SDK runs git
        )

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_repeated(record):
            return
        try:
            event: Any = {}
            if record.exc_info and record.exc_info[0]:
                event, _ = event_from_exception(record.exc_info, self._client.options)
            event |= {
                "level": record.levelname.lower(),
                "logger": record.name,
                "logentry": {"message": self.format(record)},
                "fingerprint": [record.name, record.module, str(record.lineno)],
            }
            self._client.capture_event(event)
        except Exception:  # as every logging handler does: a failing report must not fail the work
            self.handleError(record)

    def _is_repeated(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if len(self._reported_at) > MAX_REMEMBERED:
            self._reported_at.clear()
        place = (record.name, record.pathname, record.lineno, record.exc_info[0] if record.exc_info else None)
        if now - self._reported_at.get(place, float("-inf")) < REPEAT_AFTER_SECONDS:
            return True
        self._reported_at[place] = now
        return False
