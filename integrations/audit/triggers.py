"""The database itself keeps the audit's entries as they were written (RELIABILITY.md, S8).

Allowed are what the portal does after it wrote one: to give it its number and seal, once, and to forget who an actor
was whose account is deleted. Who owns the tables can take this away; then the chain shows what was done (audit_chain).
A migration that changes the table on SQLite makes it anew, without this: let it call `create_triggers` at its end.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

AUDIT_TABLE = "integrations_auditentry"
IMMUTABLE_COLUMNS = ("id", "at", "actor_name", "action", "subject", "detail", "address")
REFUSAL_MESSAGE = "the audit is append-only"
TRIGGERS = {"audit_not_changed": "UPDATE", "audit_not_deleted": "DELETE"}


def _build_change_condition(comparison: str) -> str:
    """The condition under which an UPDATE changes what was written."""
    fixed = [f"OLD.{name} {comparison} NEW.{name}" for name in IMMUTABLE_COLUMNS]
    once = [f"(OLD.number IS NOT NULL AND OLD.number {comparison} NEW.number)"]
    once += [f"(OLD.seal <> '' AND OLD.seal {comparison} NEW.seal)"]
    actor = f"(NEW.actor_id IS NOT NULL AND OLD.actor_id {comparison} NEW.actor_id)"
    return " OR ".join([*fixed, *once, actor])


def _build_sqlite_triggers() -> list[str]:
    when = {"UPDATE": f"WHEN {_build_change_condition('IS NOT')} ", "DELETE": ""}
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON {AUDIT_TABLE} "
        f"{when[act]}BEGIN SELECT RAISE(ABORT, '{REFUSAL_MESSAGE}'); END"
        for name, act in TRIGGERS.items()
    ]


def _build_postgresql_triggers() -> list[str]:
    when = {"UPDATE": f"WHEN ({_build_change_condition('IS DISTINCT FROM')}) ", "DELETE": ""}
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


def create_triggers(connection: BaseDatabaseWrapper) -> None:
    _execute_statements(
        connection, _build_postgresql_triggers() if connection.vendor == "postgresql" else _build_sqlite_triggers()
    )


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """For a migration back, and for tests."""
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
