"""Database backend for a pooler in transaction mode, such as PgBouncer: it keeps no state in a session.

Each transaction may run on another connection to the server. Startup options are refused or ignored, and what `SET`
changes is lost, or stays for another client. So each transaction sets its limits itself, with SET LOCAL. That is sent
in front of the transaction's first statement, in the same message, and costs no round trip.
"""

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg import ClientCursor, pq, sql

from integrations.database.limits import build_set_local


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, with `OPTIONS["limits"]`: the parameters of each transaction."""

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        limits = params.pop("limits")
        # Not where databases are created, for tests: that cannot share a message with another statement.
        if self.alias != NO_DB_ALIAS:
            params["cursor_factory"] = build_cursor_class(limits)
        return params


class LimitedCursor(base.CursorMixin, ClientCursor[Any]):
    """Cursor that sends the limits in front of a statement that begins a transaction, be it of one statement only."""

    set_local: str

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if self.connection.info.transaction_status != pq.TransactionStatus.IDLE:
            return super().execute(query, *args, **kwargs)
        limits: Any = sql.SQL(self.set_local) if isinstance(query, sql.Composable) else self.set_local
        # Statements in one message have a result each; the last one is the caller's.
        return super().execute(limits + query, *args, **kwargs).set_result(-1)


def build_cursor_class(limits: Mapping[str, str]) -> type[LimitedCursor]:
    # A subclass, because psycopg calls it with the connection alone.
    return type("LimitedCursor", (LimitedCursor,), {"set_local": build_set_local(limits)})
