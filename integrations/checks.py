"""What Django's `check` and `migrate` must find in order; settings.py refuses what a setting alone shows."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections


@register(Tags.database)
def sqlite_keeps_a_write_ahead_log(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Some file systems, most over a network among them, refuse it, and SQLite goes on without a word."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        if connections[alias].vendor == "sqlite":
            with connections[alias].cursor() as cursor:
                mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
            if mode not in ("wal", "memory"):
                found.append(
                    Error(
                        f"SQLite is in journal mode {mode}, not WAL: put PORTAL_DATA_DIR on a local disk, or give a "
                        "PostgreSQL server by DATABASE_URL",
                        id="portal.E001",
                    )
                )
    return found
