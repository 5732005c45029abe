"""Logs: one line an event, as JSON or for a console, with everything that looks like a secret taken out."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEYS = re.compile(r"secret|password|token|authorization|cookie|client_id|email|first_name|last_name", re.I)
SECRET_TEXT = re.compile(
    r"(?P<keep>Bearer |Basic |client_secret=|access_token=|/take/|/files/|/invitations/|"
    r"/smartrecruiters/(?=[\w-]{20,}/))[\w~+/=.%-]+"
)

Event = MutableMapping[str, Any]


def redact(_logger: object, _method: str, event: Event) -> Event:
    """Mask values whose key or form says that they are a secret, or that they are somebody's."""
    for key, value in event.items():
        if SECRET_KEYS.search(key):
            event[key] = "***"
        elif isinstance(value, str):
            event[key] = SECRET_TEXT.sub(r"\g<keep>***", value)
    return event


SHARED = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
]


def logging_of(form: str, level: str = "INFO") -> dict[str, Any]:
    """Django's LOGGING for `console` or `json`."""
    last: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],  # type: ignore[list-item]
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": ["console"], "propagate": False},
            "django_structlog": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
