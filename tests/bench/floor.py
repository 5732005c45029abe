"""The floor: a bare WSGI function that inserts one row and commits, on the portal's database and its server."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from django.db import connection

django.setup()

_local = threading.local()
TABLE = "bench_floor"


def create_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (body text NOT NULL)")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Insert the body by the driver's own connection, which commits each statement."""
    database = getattr(_local, "database", None)
    if database is None:
        connection.ensure_connection()
        database = _local.database = connection.connection
    body = environ["wsgi.input"].read().decode()
    placeholder = "?" if connection.vendor == "sqlite" else "%s"
    database.execute(f"INSERT INTO {TABLE} (body) VALUES ({placeholder})", (body,))  # noqa: S608 (a constant)
    start_response("202 Accepted", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
