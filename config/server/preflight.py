"""The first thing that every process does: read the settings, and end where they are unsafe (RELIABILITY.md, A18)."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from config.supervisor.errors import REFUSAL_PREFIX

EXIT_BAD_SETTINGS = 3
"""The exit status at which gunicorn gives up, instead of starting its workers again and again."""
UNDEFINED_SQLSTATES = ("42P01", "42703")
"""What PostgreSQL calls a table or column that is not there."""


def read_settings() -> None:
    """Returns when they are good. Otherwise one line on stderr says what would be right, and the process ends."""
    try:
        settings.INSTALLED_APPS  # noqa: B018 (whatever is asked for first loads all of them)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{REFUSAL_PREFIX}{error}\n")
        raise SystemExit(EXIT_BAD_SETTINGS) from None


@contextmanager
def friendly_database_errors(command: list[str]) -> Iterator[None]:
    """One line on stderr where the database cannot be worked with, and the end; `--traceback` shows where that was."""
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError) as error:
        said = _describe_error(error)
        if not said or "--traceback" in command:
            raise
        sys.stderr.write(f"{said}\n")
        raise SystemExit(1) from None


def _describe_error(error: DatabaseError | InterfaceError) -> str:
    """Empty where it is a mistake of ours."""
    said = str(error).partition("\n")[0].rstrip(".")
    code = getattr(error.__cause__, "sqlstate", None)
    if code in UNDEFINED_SQLSTATES or said.startswith("no such "):
        return f"The database is not the one that this version needs ({said}): run manage.py migrate"
    if isinstance(error, ProgrammingError) and code:
        return ""
    if settings.IS_EMBEDDED:
        return f"The database cannot be worked with ({said}): see the rights and the room of {settings.PORTAL_DATA_DIR}"
    return f"The database cannot be worked with ({said}): see whether its server runs, and DATABASE_URL"
