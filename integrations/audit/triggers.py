"""Append-only audit log, enforced by database triggers (threat S8 in tests/reliability/README.md).

Still allowed: to set an entry's number and MAC once, and to set `actor` to NULL when an account is deleted. The tables'
owner can drop the triggers; the hash chain (chain.py) shows changes then. A migration that changes the table on
SQLite recreates it without triggers and must call `create_triggers` at its end.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

AUDIT_TABLE = "integrations_auditentry"
IMMUTABLE_COLUMNS = ("id", "at", "actor_name", "action", "subject", "detail")
REFUSAL_MESSAGE = "the audit is append-only"
TRIGGERS = {"audit_not_changed": "UPDATE", "audit_not_deleted": "DELETE"}


def _build_change_condition(comparison: str, ip: str, mac: str) -> str:
    """Build the SQL condition under which an UPDATE changes more than is allowed."""
    fixed = [f"OLD.{name} {comparison} NEW.{name}" for name in (*IMMUTABLE_COLUMNS, ip)]
    once = [f"(OLD.number IS NOT NULL AND OLD.number {comparison} NEW.number)"]
    once += [f"(OLD.{mac} <> '' AND OLD.{mac} {comparison} NEW.{mac})"]
    actor = f"(NEW.actor_id IS NOT NULL AND OLD.actor_id {comparison} NEW.actor_id)"
    return " OR ".join([*fixed, *once, actor])


def _build_sqlite_triggers(ip: str, mac: str) -> list[str]:
    when = {"UPDATE": f"WHEN {_build_change_condition('IS NOT', ip, mac)} ", "DELETE": ""}
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON {AUDIT_TABLE} "
        f"{when[act]}BEGIN SELECT RAISE(ABORT, '{REFUSAL_MESSAGE}'); END"
        for name, act in TRIGGERS.items()
    ]


def _build_postgresql_triggers(ip: str, mac: str) -> list[str]:
    when = {"UPDATE": f"WHEN ({_build_change_condition('IS DISTINCT FROM', ip, mac)}) ", "DELETE": ""}
    return [
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL_MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {name} BEFORE {act} ON {AUDIT_TABLE} "
            f"FOR EACH ROW {when[act]}EXECUTE FUNCTION audit_append_only()"
            for name, act in TRIGGERS.items()
        ),
        f"CREATE OR REPLACE TRIGGER audit_not_emptied BEFORE TRUNCATE ON {AUDIT_TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ]


def create_triggers(connection: BaseDatabaseWrapper, *, ip: str = "ip", mac: str = "mac") -> None:
    """Create the append-only triggers. `ip` and `mac` are the columns' names at the time of a migration."""
    build = _build_postgresql_triggers if connection.vendor == "postgresql" else _build_sqlite_triggers
    _execute_statements(connection, build(ip, mac))


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers, for a reverse migration and for tests."""
    if connection.vendor == "postgresql":
        _execute_statements(
            connection, [f"DROP TRIGGER IF EXISTS {name} ON {AUDIT_TABLE}" for name in (*TRIGGERS, "audit_not_emptied")]
        )
    else:
        _execute_statements(connection, [f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS])


def _execute_statements(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
