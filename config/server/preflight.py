"""Preflight checks: every process exits if the settings are unsafe, or the database does not suit."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection
from django.db.backends.signals import connection_created

from config.supervisor.errors import REFUSAL_PREFIX
from integrations.database import requirements
from integrations.database.requirements import UnsuitableDatabaseError

EXIT_BAD_SETTINGS = 3  # gunicorn stops at this exit status instead of restarting its workers
# PostgreSQL's codes
UNDEFINED_SQLSTATES = ("42P01", "42703")  # table, column
INSUFFICIENT_PRIVILEGE_SQLSTATE = "42501"


def read_settings() -> None:
    """Load the settings. Exit with one line on stderr if they are invalid.

    From then on, the process creates files for its own user alone: candidates' data is in some of them.
    """
    os.umask(0o077)
    try:
        settings.INSTALLED_APPS  # noqa: B018 (any attribute loads all settings)
    except ImproperlyConfigured as error:
        _refuse(str(error))


def check_database() -> None:
    """Exit with one line on stderr if the database does not suit a server or a worker.

    One that does not answer may come back, and `/readyz` reports it.
    """
    try:
        requirements.check_database(connection)
    except UnsuitableDatabaseError as error:
        _refuse(str(error))
    except (DatabaseError, InterfaceError) as error:
        if message := requirements.describe_pooler_refusal(error):
            _refuse(message)
    finally:
        connection.close()


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"{REFUSAL_PREFIX}{message}\n")
    raise SystemExit(EXIT_BAD_SETTINGS)


@contextmanager
def friendly_database_errors(command: list[str]) -> Iterator[None]:
    """Exit with one line on stderr if the database cannot be used; `--traceback` shows the traceback instead."""
    if command[1:2] == ["run"]:  # a server or a worker checks the database itself, and outlives an outage
        yield
        return
    connection_created.connect(_check_first_connection)
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError, UnsuitableDatabaseError) as error:
        message = _describe_error(error)
        if not message or "--traceback" in command:
            raise
        sys.stderr.write(f"{message}\n")
        raise SystemExit(1) from None


def _check_first_connection(connection: Any, **_: Any) -> None:
    """Check the database of a command that uses it. Raises UnsuitableDatabaseError."""
    connection_created.disconnect(_check_first_connection)
    requirements.check_database(connection)


def _describe_error(error: DatabaseError | InterfaceError | UnsuitableDatabaseError) -> str:
    """Return the message for an operator, or an empty string for a bug."""
    if isinstance(error, UnsuitableDatabaseError):
        return str(error)
    if message := requirements.describe_pooler_refusal(error):
        return message
    reason = str(error).partition("\n")[0].rstrip(".")
    code = getattr(error.__cause__, "sqlstate", None)
    if code in UNDEFINED_SQLSTATES or reason.startswith("no such "):
        return f"The database does not match this version ({reason}): run manage.py migrate"
    if code == INSUFFICIENT_PRIVILEGE_SQLSTATE:
        return f"The database does not let its role do this ({reason}): grant it, or make the role the owner"
    if isinstance(error, ProgrammingError) and code:
        return ""
    if settings.IS_EMBEDDED:
        return f"The database cannot be used ({reason}): check permissions and free space of {settings.PORTAL_DATA_DIR}"
    return f"The database cannot be used ({reason}): check that its server is running, and DATABASE_URL"
