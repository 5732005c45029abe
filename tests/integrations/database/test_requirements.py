"""What the portal requires of a PostgreSQL database, by real databases and roles that lack it."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from integrations.database import requirements
from integrations.database.requirements import UnsuitableDatabaseError
from tests.database_server import DATABASE, MakeDatabase
from tests.integrations.database.conftest import Connect
from tests.pgbouncer import run_pgbouncer

pytestmark = [pytest.mark.postgresql, pytest.mark.xdist_group("pgbouncer")]
USE_POOL_MODE = "write DATABASE_URL=…?pool_mode=transaction"


def check(connection: Any) -> str:
    """Return why the portal does not start on this database, or an empty string."""
    try:
        requirements.check_database(connection)
        requirements.check_create_privilege(connection)
    except UnsuitableDatabaseError as error:
        return str(error)
    return ""


OWNED = f'ALTER DATABASE {DATABASE} OWNER TO "case"'


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "LATIN9", "WIN1252", "EUC_JP"])
def test_database_that_cannot_store_every_name_is_refused(
    make_database: MakeDatabase, connect: Connect, encoding: str
) -> None:
    connection = connect(make_database(f"ENCODING '{encoding}'", OWNED))
    assert check(connection) == (
        f'The database "{DATABASE}" has the encoding {encoding}, which cannot store every name: '
        "create one with ENCODING 'UTF8' TEMPLATE template0"
    )


def test_database_of_its_owner_is_taken(make_database: MakeDatabase, connect: Connect) -> None:
    connection = connect(make_database("ENCODING 'UTF8'", OWNED))
    assert (check(connection), requirements.list_degradations(connection)) == ("", [])


@pytest.mark.parametrize("grant", [f'GRANT ALL ON DATABASE {DATABASE} TO "case"', "SELECT 1"])
def test_role_that_may_not_create_tables_is_refused(make_database: MakeDatabase, connect: Connect, grant: str) -> None:
    """Since PostgreSQL 15, GRANT ALL ON DATABASE does not suffice."""
    connection = connect(make_database("", grant))
    assert check(connection) == (
        'The role "case" may not create tables: run GRANT CREATE ON SCHEMA "public" TO "case" in this database'
    )


def test_told_grant_suffices_for_any_name(make_database: MakeDatabase, connect: Connect, server_url: str) -> None:
    role = "Own Role"
    url = make_database("", role=role)
    connection = connect(url.replace(role, "Own%20Role"))
    told = check(connection).partition("run ")[2].removesuffix(" in this database")
    assert told == 'GRANT CREATE ON SCHEMA "public" TO "Own Role"'
    with psycopg.connect(server_url.rpartition("/")[0] + f"/{DATABASE}", autocommit=True) as server:
        server.execute(told)  # type: ignore[arg-type]
    assert check(connection) == ""


def test_search_path_without_a_schema_is_refused(make_database: MakeDatabase, connect: Connect) -> None:
    connection = connect(make_database("", OWNED, f"ALTER DATABASE {DATABASE} SET search_path = absent"))
    assert check(connection) == (
        'The database has no schema for the role "case": create the one that its search_path names'
    )


LIMITED_ROLE = 'The role "case" allows {} connections, and the portal needs 14, under load 82: run ALTER ROLE "case" {}'
LIMITED_DATABASE = (
    f'The database "{DATABASE}" allows {{}} connections, and the portal needs 14, under load 82: '
    f'run ALTER DATABASE "{DATABASE}" {{}}'
)


@pytest.mark.parametrize("count", [2, 10, 13])
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ('ALTER ROLE "case" CONNECTION LIMIT {}', LIMITED_ROLE),
        (f"ALTER DATABASE {DATABASE} CONNECTION LIMIT {{}}", LIMITED_DATABASE),
    ],
    ids=["role", "database"],
)
def test_too_few_connections_are_refused(
    make_database: MakeDatabase, connect: Connect, statement: str, message: str, count: int
) -> None:
    connection = connect(make_database("", OWNED, statement.format(count)))
    assert check(connection) == message.format(count, "CONNECTION LIMIT 82")


@pytest.mark.parametrize(("count", "is_degraded"), [(14, True), (81, True), (82, False), (-1, False)])
def test_few_connections_are_a_degradation(
    make_database: MakeDatabase, connect: Connect, count: int, is_degraded: bool
) -> None:
    connection = connect(make_database("", OWNED, f'ALTER ROLE "case" CONNECTION LIMIT {count}'))
    said = [LIMITED_ROLE.format(count, "CONNECTION LIMIT 82")] * is_degraded
    assert (check(connection), requirements.list_degradations(connection)) == ("", said)


def test_lowest_limit_is_told(make_database: MakeDatabase, connect: Connect) -> None:
    limits = ('ALTER ROLE "case" CONNECTION LIMIT 12', f"ALTER DATABASE {DATABASE} CONNECTION LIMIT 11")
    connection = connect(make_database("", OWNED, *limits))
    assert check(connection) == LIMITED_DATABASE.format(11, "CONNECTION LIMIT 82")


def test_superuser_is_bound_by_the_server_alone(make_database: MakeDatabase, connect: Connect, settings: Any) -> None:
    limits = ('ALTER ROLE "case" SUPERUSER CONNECTION LIMIT 1', f"ALTER DATABASE {DATABASE} CONNECTION LIMIT 1")
    connection = connect(make_database("", *limits))
    assert check(connection) == ""
    settings.DATABASE_MIN_CONNECTIONS, settings.DATABASE_MAX_CONNECTIONS = 198, 300
    assert check(connection) == (  # tests/postgres.py allows 200, of which PostgreSQL reserves 3
        "The database server allows 197 connections, and the portal needs 198, under load 300: "
        "run ALTER SYSTEM SET max_connections = 303 and restart the server"
    )


@pytest.mark.pgbouncer
def test_limits_of_connections_are_the_poolers_matter(make_database: MakeDatabase, connect: Connect) -> None:
    url = make_database("", OWNED, 'ALTER ROLE "case" CONNECTION LIMIT 2')
    with run_pgbouncer(url, default_pool_size=2) as pooled:
        connection = connect(f"{pooled}?pool_mode=transaction")
        assert (check(connection), requirements.list_degradations(connection)) == ("", [])


@pytest.mark.pgbouncer
@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_pooler_that_ignores_startup_options_is_refused(server_url: str, connect: Connect, pool_mode: str) -> None:
    with run_pgbouncer(server_url, pool_mode=pool_mode, ignore_startup_parameters="options") as url:
        connection = connect(url)
        said = "The pooler in front of the database ignores startup options (synchronous_commit is off, not on): "
        assert check(connection) == said + USE_POOL_MODE
        assert requirements.list_degradations(connection) == [said + USE_POOL_MODE]


@pytest.mark.pgbouncer
@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_pooler_that_refuses_startup_options_is_refused(server_url: str, connect: Connect, pool_mode: str) -> None:
    with run_pgbouncer(server_url, pool_mode=pool_mode) as url:
        with pytest.raises(OperationalError) as raised:
            connect(url).ensure_connection()
        said = f"The pooler in front of the database refuses startup options: {USE_POOL_MODE}"
        assert requirements.describe_pooler_refusal(raised.value) == said


@pytest.mark.pgbouncer
@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
@pytest.mark.parametrize("more", [{}, {"ignore_startup_parameters": "options"}], ids=["refusing", "ignoring"])
def test_told_pool_mode_suits_the_pooler(
    server_url: str, connect: Connect, pool_mode: str, more: dict[str, str]
) -> None:
    with run_pgbouncer(server_url, pool_mode=pool_mode, **more) as url:
        assert check(connect(f"{url}?pool_mode=transaction")) == ""


def test_error_of_another_kind_is_no_refusal_of_a_pooler() -> None:
    assert requirements.describe_pooler_refusal(OperationalError("connection refused")) == ""


@pytest.mark.django_db
def test_database_of_the_tests_suits() -> None:
    from django.db import connection

    assert (check(connection), requirements.list_degradations(connection)) == ("", [])
