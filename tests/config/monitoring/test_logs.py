"""Log lines and redaction (tests/reliability/README.md, S1, S10, X8)."""

import logging
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Browser

from config.monitoring.logs import build_logging, redact_event

ERROR = ValueError("for ada@lovelace.example with token=abcdef")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ({"event": "ready", "count": 3, "at": 1.5, "is_on": True, "why": None}, None),
        ({"event": "Bearer abc.def-123 came"}, {"event": "Bearer *** came"}),
        ({"event": "Basic dXNlcjpwYXNz"}, {"event": "Basic ***"}),
        (
            {"event": "{'access_token': 'abc', 'expires_in': 1800}"},
            {"event": "{'access_token': '***', 'expires_in': 1800}"},
        ),
        ({"event": '{"client_secret": "abc"}'}, {"event": '{"client_secret": "***"}'}),
        ({"request": "GET /take/abc123"}, {"request": "GET /take/***"}),
        ({"request": "GET /files/abc123"}, {"request": "GET /files/***"}),
        ({"request": "GET /oauth/token?client_secret=abc&x=1"}, {"request": "GET /oauth/token?***"}),
        ({"request": "GET /admin/orders/order/?q=ada%40lovelace.example"}, {"request": "GET /admin/orders/order/?***"}),
        (
            {"request": "DELETE /smartrecruiters/89zkynrjIXmwpK65U9kpyQ/integrations/companies/northwind"},
            {"request": "DELETE /smartrecruiters/***/integrations/companies/northwind"},
        ),
        (
            {"request": "GET /accounts/password/reset/key/1-abc-def/"},
            {"request": "GET /accounts/password/reset/key/***/"},
        ),
        ({"event": "mail to ada@lovelace.example"}, {"event": "mail to ***"}),
        (
            {"email": "ada", "first_name": "Ada", "api_token": "x"},
            {"email": "***", "first_name": "***", "api_token": "***"},
        ),
        (
            {"answer": {"token": "abc", "list": ["ada@lovelace.example", 7]}},
            {"answer": {"token": "***", "list": ["***", 7]}},
        ),
        ({"error": ERROR}, {"error": "ValueError('for *** with token=***')"}),
    ],
)
def test_secrets_and_addresses_are_masked(said: dict[str, Any], written: dict[str, Any] | None) -> None:
    before = dict(said)
    assert redact_event(None, "", said) == (before if written is None else written)


@pytest.mark.parametrize("form", ["console", "json"])
def test_line_break_in_a_value_begins_no_line(form: str) -> None:
    formatter = build_logging(form)["formatters"]["line"]
    made = formatter["()"](foreign_pre_chain=formatter["foreign_pre_chain"], processors=formatter["processors"])
    record = logging.LogRecord(
        "portal", logging.INFO, "", 0, "Not Found: %s", ("/x\n2026 [info] FAKE\r\x1b[31m",), None
    )
    assert "\n" not in made.format(record)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nothing", "/api/vendor/v1/orders", "/take/nothing"])
def test_refusal_is_one_line(client: Browser, caplog: pytest.LogCaptureFixture, path: str) -> None:
    client.get(path)
    assert [record.name for record in caplog.records] == ["django_structlog.middlewares.request"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR", "HTTP_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP"]
)
def test_line_has_no_address_that_a_stranger_claims(
    client: Browser, caplog: pytest.LogCaptureFixture, header: str
) -> None:
    client.get("/nothing", REMOTE_ADDR="192.0.2.7", **{header: "198.51.100.1"})
    assert [record.msg["ip"] for record in caplog.records] == ["192.0.2.7"]  # type: ignore[index]


def record_of(template: str, *args: object, error: Exception | None = None) -> logging.LogRecord:
    trace = (type(error), error, None) if error else None
    return logging.LogRecord("celery", logging.ERROR, "", 0, template, args, trace)


AWAY = OperationalError('port 5432 failed: Connection refused\n\tIs the server running on "db"?')


@pytest.mark.parametrize(
    ("logger", "record", "other", "said"),
    [
        (
            "celery.beat",
            partial(record_of, "Message Error: %s\n%s", "Error 111", ["  File"], error=ERROR),
            partial(record_of, "beat: %s", "else"),
            "The broker (REDIS_URL) does not accept wake-ups: Error 111",
        ),
        (
            "celery.worker.consumer.consumer",
            partial(record_of, "consumer: Cannot connect to %s: %s.\n%s\n", "redis://", "a read only replica", "Again"),
            partial(record_of, "consumer: %s", "else"),
            "The broker (REDIS_URL) cannot be used: a read only replica",
        ),
        (
            "celery.worker.consumer.consumer",
            partial(record_of, "Frequent restarts detected: %r", ERROR, error=ERROR),
            partial(record_of, "Error cancelling ETA timer entry: %r", ERROR, error=ERROR),
            "The broker (REDIS_URL) ends each connection.",
        ),
        (
            "celery.app.trace",
            partial(record_of, "Task %(name)s raised unexpected: %(exc)s", error=AWAY),
            partial(record_of, "Task %(name)s raised unexpected: %(exc)s", error=ERROR),
            "A task failed at the database: port 5432 failed: Connection refused",
        ),
    ],
)
def test_what_is_away_is_said_once_in_a_while_and_without_a_trace(
    logger: str, record: Any, other: Any, said: str
) -> None:
    """Such errors repeat every second: at 5 to 12 KB each, a day would be more than a gigabyte."""
    logging_ = build_logging("json")
    [name] = logging_["loggers"][logger]["filters"]
    sparing = logging_["filters"][name]["()"]()
    first, second, third = record(), record(), other()
    assert [sparing.filter(each) for each in (first, second, third)] == [True, False, True]
    assert (first.getMessage(), first.exc_info) == (said, None)
    assert (third.exc_info or (None, None))[1] in (None, ERROR)
    sparing.interval_seconds = 0
    assert sparing.filter(second)
