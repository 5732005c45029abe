"""The database itself keeps the audit's entries as they were written (RELIABILITY.md, S8).

Allowed are what the portal does after it wrote one: to give it its number and seal, once, and to forget who an actor
was whose account is deleted. Who owns the tables can take this away; then the chain shows what was done (audit_chain).
A migration that changes the table on SQLite makes it anew, without this: let it call `install` at its end.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "integrations_auditentry"
FIXED = ("id", "at", "actor_name", "action", "subject", "detail", "address")
SAID = "the audit is append-only"
TRIGGERS = {"audit_not_changed": "UPDATE", "audit_not_deleted": "DELETE"}


def _change(differs: str) -> str:
    """The condition under which an UPDATE changes what was written."""
    fixed = [f"OLD.{name} {differs} NEW.{name}" for name in FIXED]
    once = [f"(OLD.number IS NOT NULL AND OLD.number {differs} NEW.number)"]
    once += [f"(OLD.seal <> '' AND OLD.seal {differs} NEW.seal)"]
    actor = f"(NEW.actor_id IS NOT NULL AND OLD.actor_id {differs} NEW.actor_id)"
    return " OR ".join([*fixed, *once, actor])


def _sqlite() -> list[str]:
    when = {"UPDATE": f"WHEN {_change('IS NOT')} ", "DELETE": ""}
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON {TABLE} "
        f"{when[act]}BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
        for name, act in TRIGGERS.items()
    ]


def _postgresql() -> list[str]:
    when = {"UPDATE": f"WHEN ({_change('IS DISTINCT FROM')}) ", "DELETE": ""}
    return [
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'restrict_violation'; END $$",
        *(
            f"CREATE OR REPLACE TRIGGER {name} BEFORE {act} ON {TABLE} "
            f"FOR EACH ROW {when[act]}EXECUTE FUNCTION audit_append_only()"
            for name, act in TRIGGERS.items()
        ),
        f"CREATE OR REPLACE TRIGGER audit_not_emptied BEFORE TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
    ]


def install(connection: BaseDatabaseWrapper) -> None:
    _run(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def lift(connection: BaseDatabaseWrapper) -> None:
    """For a migration back, and for tests."""
    if connection.vendor == "postgresql":
        _run(connection, [f"DROP TRIGGER IF EXISTS {name} ON {TABLE}" for name in (*TRIGGERS, "audit_not_emptied")])
    else:
        _run(connection, [f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS])


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
