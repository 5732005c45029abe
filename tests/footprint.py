"""Recording of database writes."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.models import EmailAddress
from django.db import connection

from integrations.models import AuditEntry, RefusedCall, Session

# Written by refused requests as well: the audit log, the count of refused calls, the message for the next page,
# allauth's copy of the user's email address, and rate limits.
IGNORED_TABLES = {*(model._meta.db_table for model in (AuditEntry, RefusedCall, Session, EmailAddress)), "cache"}
WRITE_STATEMENT = re.compile(
    r'\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM|TRUNCATE|REPLACE INTO)\s+"?(\w+)"?', re.I
)


@contextmanager
def record_writes() -> Iterator[list[str]]:
    """Record every writing SQL statement."""
    statements: list[str] = []

    def record_statement(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        write = WRITE_STATEMENT.match(sql)
        if write and write[1] not in IGNORED_TABLES:
            statements.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(record_statement):
        yield statements
