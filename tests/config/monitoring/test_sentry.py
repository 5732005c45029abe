"""Error reporting to Sentry: contents of events, and that logging never waits for it."""

import json
import logging
import logging.config
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.monitoring import sentry
from config.monitoring.logs import build_logging
from config.monitoring.sentry import SentryHandler
from tests.certificates import Authority

Came = queue.Queue[tuple[str, str, list[Any]]]


@contextmanager
def run_tracker(certificate: Path | None = None) -> Iterator[tuple[str, Came]]:
    """Start an error tracker, over TLS with a certificate; yield its DSN and the queue of received events."""
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
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        scheme = "https" if certificate else "http"
        yield f"{scheme}://key@127.0.0.1:{server.server_port}/sub/7", found
        server.shutdown()


@pytest.fixture
def came() -> Iterator[tuple[str, Came]]:
    with run_tracker() as tracker:
        yield tracker


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


def test_tracker_behind_a_private_ca_is_verified_with_ca_file(settings: Any, tmp_path: Path) -> None:
    trusted, unknown = Authority(tmp_path / "trusted"), Authority(tmp_path / "unknown")
    settings.CA_FILE = str(trusted.ca_file)
    with (
        run_tracker(unknown.issue("127.0.0.1")) as (unknown_dsn, unseen),
        run_tracker(trusted.issue("elsewhere.example")) as (misnamed_dsn, unseen_either),
        run_tracker(trusted.issue("127.0.0.1")) as (trusted_dsn, seen),
    ):
        for dsn in (unknown_dsn, misnamed_dsn, trusted_dsn):
            logger_to(dsn).error("failed")
        _, _, (*_, event) = seen.get(timeout=10)
        assert '"event": "failed"' in event["logentry"]["message"]
        assert (unseen.empty(), unseen_either.empty()) == (True, True)


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
