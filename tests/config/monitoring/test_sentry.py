"""Error reporting to Sentry: contents of events, and that logging never waits for it."""

import json
import logging
import logging.config
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from config.monitoring import sentry
from config.monitoring.logs import build_logging
from config.monitoring.sentry import SentryHandler

Came = queue.Queue[tuple[str, str, list[Any]]]


@pytest.fixture
def came() -> Iterator[tuple[str, Came]]:
    """Start an error tracker; yield its DSN and the queue of received events."""
    found: Came = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.put((self.path, self.headers["X-Sentry-Auth"], [json.loads(line) for line in body.splitlines()]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://key@127.0.0.1:{server.server_port}/sub/7", found
        server.shutdown()


def logger_to(dsn: str) -> logging.Logger:
    """Build a logger with the handler and formatter of the settings."""
    made = build_logging("json", dsn=dsn)
    line = made["formatters"]["line"]
    handler = SentryHandler(made["handlers"]["sentry"]["dsn"])
    handler.setFormatter(line["()"](foreign_pre_chain=line["foreign_pre_chain"], processors=line["processors"]))
    logger = logging.Logger("portal.own")
    logger.addHandler(handler)
    return logger


def test_error_arrives_once_a_minute_and_without_secrets(came: tuple[str, Came]) -> None:
    dsn, found = came
    logger = logger_to(dsn)
    for secret in ("token=abc", "token=def"):
        try:
            raise ValueError(f"{secret} of ada@lovelace.example")
        except ValueError:
            logger.exception("no order for %s", "ada@lovelace.example")
    logger.warning("not an error")
    logger.error("another one")
    (path, key, (_, kind, first)), (_, _, (_, _, second)) = found.get(timeout=10), found.get(timeout=10)
    assert (path, "sentry_key=key" in key, kind["type"]) == ("/sub/api/7/envelope/", True, "event")
    assert "no order for ***" in first["logentry"]["message"]
    assert "ValueError: token=*** of ***" in first["logentry"]["message"]
    assert [each["value"] for each in first["exception"]["values"]] == ["token=*** of ***"]
    assert "another one" in second["logentry"]["message"]
    assert found.empty()


def test_event_holds_no_variables_requests_or_people(came: tuple[str, Came]) -> None:
    dsn, found = came
    logger = logger_to(dsn)
    try:
        raise ValueError
    except ValueError:
        logger.exception("failed")
    _, _, (*_, event) = found.get(timeout=10)
    assert not {"request", "user", "breadcrumbs", "modules", "extra"} & event.keys()
    [error] = event["exception"]["values"]
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])


def test_tracker_that_is_away_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentry, "REPEAT_AFTER_SECONDS", 0)
    logger = logger_to("http://key@127.0.0.1:1/7")
    for _ in range(3 * sentry.MAX_QUEUED):
        logger.error("away")


def test_without_a_tracker_there_is_no_handler() -> None:
    made = build_logging("json")
    assert (list(made["handlers"]), made["root"]["handlers"]) == (["console"], ["console"])
    made = build_logging("json", dsn="https://key@errors.vendor.example/1")
    assert made["root"]["handlers"] == ["console", "sentry"]
