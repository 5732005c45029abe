"""Advisory lock: serialises transactions about something that has no row yet."""

import hashlib

from django.db import connection


def lock_until_commit(name: str) -> None:
    """Wait for other transactions that hold the lock of this name, then hold it. SQLite has a single writer anyway."""
    if connection.vendor == "postgresql":
        key = int(hashlib.sha256(name.encode()).hexdigest()[:15], 16)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
