"""What Django's `check` and `migrate` must find in order; settings.py refuses what a setting alone shows."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from integrations import key_rotation
from integrations.encryption import DecryptionError


@register(Tags.database)
def check_sqlite_wal(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
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


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Said at the start, and by `/readyz` until the key is back. Not refused: orders are taken meanwhile, and wait."""
    try:
        if databases:
            key_rotation.check_keys()
    except DecryptionError as error:
        return [Warning(str(error), id="portal.W001")]
    except DatabaseError:
        pass  # not migrated yet
    return []
