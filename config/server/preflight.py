"""Preflight check: every process reads the settings first, and exits if they are unsafe."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from config.supervisor.errors import REFUSAL_PREFIX

EXIT_BAD_SETTINGS = 3  # gunicorn stops at this exit status instead of restarting its workers
UNDEFINED_SQLSTATES = ("42P01", "42703")  # PostgreSQL: undefined table, undefined column


def read_settings() -> None:
    """Load the settings. Exit with one line on stderr if they are invalid."""
    try:
        settings.INSTALLED_APPS  # noqa: B018 (any attribute loads all settings)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{REFUSAL_PREFIX}{error}\n")
        raise SystemExit(EXIT_BAD_SETTINGS) from None


@contextmanager
def friendly_database_errors(command: list[str]) -> Iterator[None]:
    """Exit with one line on stderr if the database cannot be used; `--traceback` shows the traceback instead."""
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        message = _describe_error(error)
        if not message or "--traceback" in command:
            raise
        sys.stderr.write(f"{message}\n")
        raise SystemExit(1) from None


def _describe_error(error: DatabaseError | InterfaceError) -> str:
    """Return the message for an operator, or an empty string for a bug."""
    reason = str(error).partition("\n")[0].rstrip(".")
    code = getattr(error.__cause__, "sqlstate", None)
    if code in UNDEFINED_SQLSTATES or reason.startswith("no such "):
        return f"The database does not match this version ({reason}): run manage.py migrate"
    if isinstance(error, ProgrammingError) and code:
        return ""
    if settings.IS_EMBEDDED:
        return f"The database cannot be used ({reason}): check permissions and free space of {settings.PORTAL_DATA_DIR}"
    return f"The database cannot be used ({reason}): check that its server is running, and DATABASE_URL"
