"""What was written to the database, to see whether something left a mark in it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import connection

from integrations.models import AuditEntry

IGNORED_TABLES = {*(model._meta.db_table for model in (AuditEntry, Session, EmailAddress)), "cache"}
"""Written by refusals, too: who tried what; which sentence the next page is to show; allauth's copy of somebody's own
address, which it makes as soon as it looks at him; and how often somebody tried."""
WRITE_STATEMENT = re.compile(
    r'\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM|TRUNCATE|REPLACE INTO)\s+"?(\w+)"?', re.I
)


@contextmanager
def record_writes() -> Iterator[list[str]]:
    """Every statement that writes, as it is made."""
    found: list[str] = []

    def record_statement(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        write = WRITE_STATEMENT.match(sql)
        if write and write[1] not in IGNORED_TABLES:
            found.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(record_statement):
        yield found
