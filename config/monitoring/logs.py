"""Logging: one line per event, as JSON or for a console, with secrets and personal data redacted."""

import logging
import time
from abc import abstractmethod
from collections.abc import MutableMapping
from typing import Any

import structlog
from django.db.utils import InterfaceError, InternalError, OperationalError

from integrations.redaction import MASK, SECRET_OR_PERSONAL_NAME, redact_log_text, redact_log_value

INTERNAL_KEYS = ("_record", "_from_structlog")
TRACEBACK_KEYS = ("exception", "stack")

Event = MutableMapping[str, Any]


def redact_event(_logger: object, _method: str, event: Event) -> Event:
    """Redact secrets and personal data, recognised by a value's name or form (structlog processor)."""
    for key, value in event.items():
        if key in TRACEBACK_KEYS:
            event[key] = redact_log_text(str(value))
        elif key not in INTERNAL_KEYS:
            event[key] = MASK if SECRET_OR_PERSONAL_NAME.search(key) else redact_log_value(value)
    return event


class RateLimitedFilter(logging.Filter):
    """Rate limiter for records that repeat every second during an outage.

    Passes one line without a traceback per `interval_seconds`.
    """

    interval_seconds = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._logged_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        summary = self.summarize_record(record)
        if not summary:
            return True
        if time.monotonic() - self._logged_at < self.interval_seconds:
            return False
        self._logged_at = time.monotonic()
        record.msg, record.args, record.exc_info = summary, (), None
        return True

    @abstractmethod
    def summarize_record(self, record: logging.LogRecord) -> str:
        """Return the line to log, or an empty string for records without a limit."""


class RateLimitedBrokerFilter(RateLimitedFilter):
    """Rate limiter for the scheduler's wake-ups and the workers' attempts to reconnect while the broker is down."""

    def summarize_record(self, record: logging.LogRecord) -> str:
        text, args = str(record.msg), record.args if isinstance(record.args, tuple) else ()
        if text.startswith("Message Error") and args:
            return f"The broker (REDIS_URL) does not accept wake-ups: {args[0]}"
        if text.startswith("consumer: Cannot connect") and len(args) > 1:
            return f"The broker (REDIS_URL) cannot be used: {args[1]}"
        if text.startswith("Frequent restarts"):
            return "The broker (REDIS_URL) ends each connection."
        return ""


class RateLimitedDatabaseFilter(RateLimitedFilter):
    """Rate limiter for failing tasks while the database is down."""

    def summarize_record(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, OperationalError | InterfaceError | InternalError):
            return ""
        return f"A task failed at the database: {str(error).splitlines()[0]}"


SHARED_PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact_event,
]


def build_logging(log_format: str, level: str = "INFO", dsn: str = "") -> dict[str, Any]:
    """Build Django's LOGGING for the format `console` or `json`. With a DSN, errors are reported to Sentry, too."""
    handlers: dict[str, Any] = {"console": {"class": "logging.StreamHandler", "formatter": "line"}}
    if dsn:
        handlers["sentry"] = {"class": "config.monitoring.sentry.SentryHandler", "formatter": "line", "dsn": dsn}
    last: Any = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],  # type: ignore[list-item]
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            }
        },
        "filters": {"broker": {"()": RateLimitedBrokerFilter}, "database": {"()": RateLimitedDatabaseFilter}},
        "handlers": handlers,
        "root": {"handlers": [*handlers], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "propagate": False},
            "django_structlog": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},  # django_structlog logs each refused request already
            # At DEBUG these log tokens and URLs.
            "oauthlib": {"level": "INFO"},
            "oauth2_provider": {"level": "INFO"},
            "urllib3": {"level": "INFO"},
            "kombu": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING", "filters": ["database"]},
            "celery.worker.consumer.consumer": {"filters": ["broker"]},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING", "filters": ["broker"]},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
