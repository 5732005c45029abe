"""An error tracker that speaks Sentry's protocol: what is logged as an error goes to SENTRY_DSN, too.

It gets the line that the log gets, with secrets and people taken out, and nothing of the request. Who logs never waits:
a thread sends, and what does not fit its queue, or is not taken, is in the log all the same.
"""

import json
import logging
import os
import queue
import socket
import threading
import time
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

WAITING = 50
SECONDS = 5.0
SAME_AFTER = 60.0
"""Of what one place says again and again, a message a minute."""
PLACES = 1000
LONGEST = 8000


class Tracker(logging.Handler):
    def __init__(self, dsn: str) -> None:
        super().__init__(logging.ERROR)
        parts = urlsplit(dsn)
        host = parts.netloc.rpartition("@")[2]
        folder, _, project = parts.path.rpartition("/")
        self.url = f"{parts.scheme}://{host}{folder}/api/{project}/envelope/"
        self.headers = {
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=partnerside/1, sentry_key={parts.username}",
            "Content-Type": "application/x-sentry-envelope",
        }
        self._said: dict[tuple[object, ...], float] = {}
        self._waiting: queue.Queue[bytes] = queue.Queue(WAITING)
        self._sender: threading.Thread | None = None
        self._process = 0

    def emit(self, record: logging.LogRecord) -> None:
        if threading.current_thread() is self._sender or self._is_said(record):
            return
        with suppress(queue.Full):
            self._waiting.put_nowait(_envelope(record, self.format(record)))
        if self._process != os.getpid():  # a thread does not outlive a fork
            self._process = os.getpid()
            self._sender = threading.Thread(target=self._send, daemon=True, name="tracker")
            self._sender.start()

    def _is_said(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if len(self._said) > PLACES:
            self._said.clear()
        place = (record.name, record.pathname, record.lineno, record.exc_info[0] if record.exc_info else None)
        if now - self._said.get(place, float("-inf")) < SAME_AFTER:
            return True
        self._said[place] = now
        return False

    def _send(self) -> None:
        # Only here: the settings are complete by now, which the door reads.
        from integrations.http.client import CallFailedError, OutgoingRequest, send_request

        while True:
            body = self._waiting.get()
            with suppress(CallFailedError):
                send_request(
                    OutgoingRequest("POST", self.url, "envelope", self.headers, body=body, expects_json=False), SECONDS
                )


def _envelope(record: logging.LogRecord, line: str) -> bytes:
    event: dict[str, Any] = {
        "event_id": uuid.uuid4().hex,
        "timestamp": record.created,
        "platform": "python",
        "level": record.levelname.lower(),
        "logger": record.name,
        "server_name": socket.gethostname(),
        "message": {"formatted": line[:LONGEST]},
        "fingerprint": [record.name, record.module, str(record.lineno)],
    }
    return b"\n".join(json.dumps(part).encode() for part in ({"event_id": event["event_id"]}, {"type": "event"}, event))
