"""The database backend for a pooler, through a real PgBouncer in transaction mode with one connection to the server."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DataError, InternalError, OperationalError, transaction
from psycopg import sql

from integrations.database import migration_lock
from integrations.database.migration_lock import hold_migration_lock
from tests.config.conftest import REPOSITORY
from tests.integrations.database.conftest import ALIAS, LIMITS, Connect
from tests.pgbouncer import run_pgbouncer

pytestmark = [pytest.mark.pgbouncer, pytest.mark.postgresql, pytest.mark.xdist_group("pgbouncer")]


@pytest.fixture(scope="module")
def pooled_url(server_url: str) -> Iterator[str]:
    with run_pgbouncer(server_url, default_pool_size=1) as url:
        yield url


@pytest.fixture
def connect_pooled(connect: Connect, pooled_url: str) -> Connect:
    """Connect through the pooler, with the portal's limits or others."""
    return lambda limits=LIMITS: connect(f"{pooled_url}?pool_mode=transaction", limits)


def fetch(connection: Any, query: Any, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, params or None)
        return cursor.fetchone()[0]


def show_limits(connection: Any) -> dict[str, str]:
    return {name: fetch(connection, f"SHOW {name}") for name in LIMITS}


def test_single_statements_have_the_limits(connect_pooled: Connect) -> None:
    assert show_limits(connect_pooled()) == LIMITS


def test_transactions_have_the_limits(connect_pooled: Connect) -> None:
    connection = connect_pooled()
    with transaction.atomic(ALIAS):
        assert show_limits(connection) == LIMITS


def test_savepoint_that_begins_a_transaction_has_the_limits_and_keeps_them_when_rolled_back(
    connect_pooled: Connect,
) -> None:
    connection = connect_pooled()
    with transaction.atomic(ALIAS):
        with pytest.raises(ZeroDivisionError), transaction.atomic(ALIAS):
            raise ZeroDivisionError
        assert show_limits(connection) == LIMITS


def test_transaction_without_autocommit_has_the_limits(connect_pooled: Connect) -> None:
    connection = connect_pooled()
    connection.set_autocommit(False)
    assert show_limits(connection) == LIMITS
    connection.rollback()
    assert show_limits(connection) == LIMITS
    connection.rollback()


def test_next_client_of_the_pooled_connection_has_none_of_them(connect_pooled: Connect, pooled_url: str) -> None:
    connection = connect_pooled()
    fetch(connection, "SELECT 1")
    with psycopg.connect(pooled_url, autocommit=True) as other:
        found = [other.execute(f"SHOW {name}").fetchone()[0] for name in LIMITS]  # type: ignore[index]
    assert found == ["off", "0", "0", "0"]  # the server's own


@pytest.mark.parametrize("in_transaction", [False, True])
def test_statement_that_takes_too_long_is_cancelled(connect_pooled: Connect, in_transaction: bool) -> None:
    connection = connect_pooled({"statement_timeout": "50ms"})
    with pytest.raises(OperationalError, match="statement timeout"):  # noqa: SIM117
        with transaction.atomic(ALIAS) if in_transaction else connection.wrap_database_errors:
            fetch(connection, "SELECT pg_sleep(30)")
    assert fetch(connection, "SELECT 1") == 1


def test_lock_is_not_waited_for_longer_than_allowed(connect_pooled: Connect, server_url: str) -> None:
    connection = connect_pooled({"lock_timeout": "50ms"})
    with psycopg.connect(server_url) as other:
        other.execute("CREATE TABLE IF NOT EXISTS locked (id int)")
        other.execute("SET idle_in_transaction_session_timeout = '20s'")
        other.commit()
        other.execute("LOCK TABLE locked")
        with pytest.raises(OperationalError, match="lock timeout"):
            fetch(connection, "SELECT count(*) FROM locked")


def wait_for_end(server_url: str, pid: int) -> None:
    with psycopg.connect(server_url, autocommit=True) as server:
        for _ in range(3000):
            if not server.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone():
                return
            server.execute("SELECT pg_sleep(0.01)")


def test_idle_transaction_is_ended(connect_pooled: Connect, server_url: str) -> None:
    connection = connect_pooled({"idle_in_transaction_session_timeout": "50ms"})
    with pytest.raises(InternalError, match="idle-in-transaction timeout"), transaction.atomic(ALIAS):  # noqa: PT012
        wait_for_end(server_url, fetch(connection, "SELECT pg_backend_pid()"))
        fetch(connection, "SELECT 1")


def test_results_are_those_of_the_statement(connect_pooled: Connect) -> None:
    connection = connect_pooled()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS numbers (id serial, value text)")
        cursor.execute("TRUNCATE numbers RESTART IDENTITY")
        cursor.execute("INSERT INTO numbers (value) VALUES (%s), (%s) RETURNING id", ["100 %", "b"])
        assert (cursor.rowcount, cursor.fetchall()) == (2, [(1,), (2,)])
        cursor.execute("UPDATE numbers SET value = 'c' WHERE id > 1")
        assert (cursor.rowcount, cursor.description) == (1, None)
        cursor.execute(sql.SQL("SELECT value AS {} FROM numbers ORDER BY id").format(sql.Identifier("Value")))
        assert ([column.name for column in cursor.description], cursor.fetchall()) == (["Value"], [("100 %",), ("c",)])
        cursor.execute("SELECT id FROM numbers WHERE false")
        assert (cursor.rowcount, cursor.fetchall(), cursor.nextset()) == (0, [], None)


@pytest.mark.parametrize("in_transaction", [False, True])
def test_statement_that_fails_has_no_effect_and_spoils_nothing(connect_pooled: Connect, in_transaction: bool) -> None:
    connection = connect_pooled()
    with pytest.raises(DataError, match="division by zero"):  # noqa: SIM117
        with transaction.atomic(ALIAS) if in_transaction else connection.wrap_database_errors:
            fetch(connection, "SELECT 1 / 0")
    assert fetch(connection, "SELECT 2") == 2


def test_no_cursor_outlives_its_statement(connect_pooled: Connect) -> None:
    assert connect_pooled().settings_dict["DISABLE_SERVER_SIDE_CURSORS"] is True


def count_locks(server_url: str) -> int:
    with psycopg.connect(server_url) as server:
        row = server.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
    return row[0]  # type: ignore[index]


@pytest.fixture
def connect_widely(connect: Connect, server_url: str) -> Iterator[Connect]:
    """Connect through a pool of two: one for the migration lock, one for the migrations."""
    with run_pgbouncer(server_url, default_pool_size=2, query_wait_timeout=10) as url:
        yield lambda: connect(f"{url}?pool_mode=transaction")


def test_migration_lock_leaves_the_pooled_connection(connect_widely: Connect, server_url: str) -> None:
    connection = connect_widely()
    where = connection.settings_dict
    login = {name: where[name.upper()] for name in ("host", "port", "user", "password")}
    for _ in range(3):
        with psycopg.connect(dbname=where["NAME"], **login) as other:
            with hold_migration_lock(connection):
                assert count_locks(server_url) == 1
                other.execute("SELECT 1")  # begins a transaction, on a connection that was free until now
            assert count_locks(server_url) == 0


def test_migration_lock_is_released_after_an_error(connect_widely: Connect, server_url: str) -> None:
    with pytest.raises(ZeroDivisionError), hold_migration_lock(connect_widely()):
        raise ZeroDivisionError
    assert count_locks(server_url) == 0


def test_migration_lock_is_not_ended_while_a_migration_takes_long(connect_widely: Connect) -> None:
    connection = connect_widely()
    connection.settings_dict["OPTIONS"]["limits"] = {"idle_in_transaction_session_timeout": "50ms"}
    with hold_migration_lock(connection):
        fetch(connection, "SELECT pg_sleep(0.3)")
        assert fetch(connection, "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'") == 1


def test_migrations_wait_for_each_other_and_say_so(
    connect_widely: Connect, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration_lock, "ANNOUNCE_SECONDS", 0.0)
    connection, heard, said = connect_widely(), threading.Event(), []

    def wait_for_lock() -> None:
        with hold_migration_lock(connection.copy(), lambda message: (said.append(message), heard.set())):
            said.append("held")

    with hold_migration_lock(connection):
        waiting = threading.Thread(target=wait_for_lock)
        waiting.start()
        assert heard.wait(30)
        assert fetch(connection, "SELECT 1") == 1  # who waits leaves a connection to the migrations
        said.append("released")
    waiting.join(30)
    assert said == ["Waiting for another process, which migrates this database …", "released", "held"]
    assert count_locks(server_url) == 0


def test_killed_process_leaves_no_migration_lock(connect_widely: Connect, server_url: str) -> None:
    connection = connect_widely()
    script = (
        "import sys, time; from django.db import connection; "
        "from integrations.database.migration_lock import hold_migration_lock\n"
        "with hold_migration_lock(connection): print('held', flush=True); time.sleep(600)"
    )
    where = connection.settings_dict
    url = f"postgres://{where['USER']}:{where['PASSWORD']}@{where['HOST']}:{where['PORT']}/{where['NAME']}"
    given = {"DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE_URL": f"{url}?pool_mode=transaction"}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env={**os.environ, **given}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.kill()
    with hold_migration_lock(connection):  # waits until the pooler has noticed
        assert count_locks(server_url) == 1
    assert count_locks(server_url) == 0
