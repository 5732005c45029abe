"""Requirements of the portal on its PostgreSQL database: encoding, privileges, connections, limits of a transaction.

Each message is one sentence with the remedy.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

REQUIRED_ENCODING = "UTF8"
USE_POOL_MODE = "write DATABASE_URL=…?pool_mode=transaction"


class UnsuitableDatabaseError(Exception):
    """The portal cannot work with this database. The message has the remedy."""


@dataclass(frozen=True)
class ConnectionLimit:
    """The lowest of the limits that hold for the portal's role."""

    count: int
    owner: str
    command: str


def check_database(connection: Any) -> None:
    """Raise UnsuitableDatabaseError if the portal must not start on this database."""
    for message in (find_wrong_encoding(connection), find_ignored_limit(connection)):
        if message:
            raise UnsuitableDatabaseError(message)
    limit = find_connection_limit(connection)
    if limit and limit.count < settings.DATABASE_MIN_CONNECTIONS:
        raise UnsuitableDatabaseError(_describe_limit(limit))


def check_create_privilege(connection: Any) -> None:
    """Raise UnsuitableDatabaseError if migrations could create no table. Since PostgreSQL 15 this must be granted."""
    if connection.vendor != "postgresql":
        return
    schema, role, may_create = _fetch_row(
        connection, "SELECT current_schema(), current_user, has_schema_privilege(current_schema(), 'CREATE')"
    )
    if schema is None:
        raise UnsuitableDatabaseError(
            f"The database has no schema for the role {_quote(role)}: create the one that its search_path names"
        )
    if not may_create:
        raise UnsuitableDatabaseError(
            f"The role {_quote(role)} may not create tables: "
            f"run GRANT CREATE ON SCHEMA {_quote(schema)} TO {_quote(role)} in this database"
        )


def list_degradations(connection: Any) -> list[str]:
    """Return the changes that the database needs while the portal runs."""
    limit = find_connection_limit(connection)
    is_low = limit is not None and limit.count < settings.DATABASE_MAX_CONNECTIONS
    return [*filter(None, [find_ignored_limit(connection)]), *([_describe_limit(limit)] if limit and is_low else [])]


def find_wrong_encoding(connection: Any) -> str:
    """Return a message if the database cannot store every text."""
    if connection.vendor != "postgresql":
        return ""
    name, encoding = _fetch_row(
        connection, "SELECT datname, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    )
    if encoding == REQUIRED_ENCODING:
        return ""
    return (
        f"The database {_quote(name)} has the encoding {encoding}, which cannot store every name: "
        "create one with ENCODING 'UTF8' TEMPLATE template0"
    )


def find_ignored_limit(connection: Any) -> str:
    """Return a message if statements run without the limits that the settings ask for."""
    if connection.vendor != "postgresql":
        return ""
    wanted = settings.DATABASE_LIMITS
    found = _fetch_row(connection, f"SELECT {', '.join('current_setting(%s)' for _ in wanted)}", list(wanted))
    for (name, value), actual in zip(wanted.items(), found, strict=True):
        if actual != value:
            return (
                f"The pooler in front of the database ignores startup options ({name} is {actual}, not {value}): "
                f"{USE_POOL_MODE}"
            )
    return ""


def describe_pooler_refusal(error: Exception) -> str:
    """Return a message if the connection failed because a pooler takes no startup options, else an empty string."""
    reason = str(error).partition("\n")[0]
    if "startup parameter" not in reason:
        return ""
    return f"The pooler in front of the database refuses startup options: {USE_POOL_MODE}"


def find_connection_limit(connection: Any) -> ConnectionLimit | None:
    """Return the lowest limit of connections; None behind a pooler, which shares few among many clients."""
    if connection.vendor != "postgresql" or "limits" in connection.settings_dict["OPTIONS"]:
        return None
    role, by_role, database, by_database, is_superuser, by_server, reserved = _fetch_row(
        connection,
        """
        SELECT rolname, rolconnlimit, datname, datconnlimit, rolsuper, current_setting('max_connections')::int,
            current_setting('superuser_reserved_connections')::int
            + coalesce(current_setting('reserved_connections', true)::int, 0)
        FROM pg_roles, pg_database WHERE rolname = session_user AND datname = current_database()
        """,
    )
    wanted = settings.DATABASE_MAX_CONNECTIONS
    limits = [
        ConnectionLimit(
            by_server - reserved,
            "The database server",
            f"ALTER SYSTEM SET max_connections = {wanted + reserved} and restart the server",
        ),
        ConnectionLimit(
            by_database,
            f"The database {_quote(database)}",
            f"ALTER DATABASE {_quote(database)} CONNECTION LIMIT {wanted}",
        ),
        ConnectionLimit(by_role, f"The role {_quote(role)}", f"ALTER ROLE {_quote(role)} CONNECTION LIMIT {wanted}"),
    ]
    # PostgreSQL writes -1 for no limit, and applies those of roles and databases to all but superusers.
    return min((each for each in limits[: 1 if is_superuser else None] if each.count >= 0), key=lambda each: each.count)


def _describe_limit(limit: ConnectionLimit) -> str:
    return (
        f"{limit.owner} allows {limit.count} connections, and the portal needs {settings.DATABASE_MIN_CONNECTIONS}, "
        f"under load {settings.DATABASE_MAX_CONNECTIONS}: run {limit.command}"
    )


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fetch_row(connection: Any, query: str, params: list[str] | None = None) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
