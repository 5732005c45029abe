"""System checks of the database and the encryption keys. Settings are checked by config/environment.py."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from integrations import key_rotation
from integrations.encryption import DecryptionError


@register(Tags.database)
def check_sqlite_wal(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Require SQLite's WAL mode, which many network file systems refuse without an error."""
    errors: list[CheckMessage] = []
    for alias in databases or []:
        if connections[alias].vendor == "sqlite":
            with connections[alias].cursor() as cursor:
                mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
            if mode not in ("wal", "memory"):
                errors.append(
                    Error(
                        f"SQLite is in journal mode {mode}, not WAL: put PORTAL_DATA_DIR on a local disk, or set "
                        "DATABASE_URL to a PostgreSQL server",
                        id="portal.E001",
                    )
                )
    return errors


@register(Tags.database)
def check_database_mode(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn about an embedded database that other users of the machine can read, as earlier versions created it."""
    warnings: list[CheckMessage] = []
    for alias in databases or []:
        path = Path(str(connections[alias].settings_dict["NAME"]))
        if connections[alias].vendor == "sqlite" and path.is_file() and path.stat().st_mode & 0o077:
            message = f"Other users of this machine can read candidates' data: run chmod go= {shlex.quote(str(path))}*"
            warnings.append(Warning(message, id="portal.W002"))
    return warnings


@register(Tags.database)
def check_encryption_keys(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Warn about a missing key. Not an error: orders are still accepted, and `/readyz` reports it."""
    try:
        if databases:
            key_rotation.check_keys()
    except DecryptionError as error:
        return [Warning(str(error), id="portal.W001")]
    except DatabaseError:
        pass  # not migrated yet
    return []
