"""Databases and poolers that do not suit: each process ends with one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config.server import processes
from tests.config.conftest import REPOSITORY, free_port
from tests.config.server.test_preflight import KEYS, start
from tests.database_server import DATABASE, MakeDatabase
from tests.pgbouncer import run_pgbouncer

pytestmark = [pytest.mark.e2e, pytest.mark.postgresql, pytest.mark.xdist_group("pgbouncer")]
SERVE = ("-m", "config.supervisor", "serve")
OWNED = f'ALTER DATABASE {DATABASE} OWNER TO "case"'
REFUSING = "The pooler in front of the database refuses startup options: write DATABASE_URL=…?pool_mode=transaction"
IGNORING = (
    "The pooler in front of the database ignores startup options (synchronous_commit is off, not on): "
    "write DATABASE_URL=…?pool_mode=transaction"
)
UNSUITABLE = {
    "encoding": (
        ("ENCODING 'SQL_ASCII'", OWNED),
        f'The database "{DATABASE}" has the encoding SQL_ASCII, which cannot store every name: '
        "create one with ENCODING 'UTF8' TEMPLATE template0",
    ),
    "privilege": (
        ("", f'GRANT ALL ON DATABASE {DATABASE} TO "case"'),
        'The role "case" may not create tables: run GRANT CREATE ON SCHEMA "public" TO "case" in this database',
    ),
    "connections": (
        ("", OWNED, 'ALTER ROLE "case" CONNECTION LIMIT 10'),
        'The role "case" allows 10 connections, and the portal needs 14, under load 82: '
        'run ALTER ROLE "case" CONNECTION LIMIT 82',
    ),
}


@pytest.mark.parametrize("case", UNSUITABLE)
def test_serve_refuses_a_database_in_one_line(tmp_path: Path, make_database: MakeDatabase, case: str) -> None:
    (options, *statements), line = UNSUITABLE[case]
    url = make_database(options, *statements)
    done = start(tmp_path, *SERVE, PORT=str(free_port()), DATABASE_URL=url, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"serve: {line}\n")


@contextmanager
def run_unsuitable_pooler(server_url: str, *, is_ignoring: bool) -> Iterator[str]:
    more = {"ignore_startup_parameters": "options"} if is_ignoring else {}
    with run_pgbouncer(server_url, **more) as url:
        yield url


@pytest.mark.pgbouncer
@pytest.mark.parametrize(("is_ignoring", "line"), [(False, REFUSING), (True, IGNORING)])
def test_serve_refuses_a_pooler_in_one_line(tmp_path: Path, server_url: str, is_ignoring: bool, line: str) -> None:
    with run_unsuitable_pooler(server_url, is_ignoring=is_ignoring) as url:
        done = start(tmp_path, *SERVE, PORT=str(free_port()), DATABASE_URL=url, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"serve: {line}\n")


@pytest.mark.pgbouncer
@pytest.mark.parametrize("command", ["reconcile", "audit_verify", "erase_candidate"])
@pytest.mark.parametrize(("is_ignoring", "line"), [(False, REFUSING), (True, IGNORING)])
def test_command_refuses_a_pooler_in_one_line(
    tmp_path: Path, server_url: str, command: str, is_ignoring: bool, line: str
) -> None:
    email = ["nadia@reader.example"] if command == "erase_candidate" else []
    with run_unsuitable_pooler(server_url, is_ignoring=is_ignoring) as url:
        done = start(tmp_path, "manage.py", command, *email, DATABASE_URL=url, **KEYS)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{line}\n")


@pytest.mark.pgbouncer
@pytest.mark.parametrize(("is_ignoring", "line"), [(False, REFUSING), (True, IGNORING)])
@pytest.mark.parametrize("name", ["web", "courier"])
def test_server_and_worker_that_start_alone_refuse_a_pooler(
    tmp_path: Path, server_url: str, name: str, is_ignoring: bool, line: str
) -> None:
    with run_unsuitable_pooler(server_url, is_ignoring=is_ignoring) as url:
        done = start(tmp_path, "manage.py", "run", name, PORT=str(free_port()), DATABASE_URL=url, **KEYS)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert (lines.count(f"The portal does not start: {line}"), "Traceback" in done.stderr) == (1, False)


def test_role_without_a_privilege_is_told_which(tmp_path: Path, make_database: MakeDatabase) -> None:
    history = "CREATE TABLE django_migrations (id bigserial, app text, name text, applied timestamptz)"
    url = make_database("", history)
    done = start(tmp_path, "manage.py", "showmigrations", DATABASE_URL=url, **KEYS)
    said = "The database does not let its role do this (permission denied for table django_migrations): "
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{said}grant it, or make the role the owner\n")


def test_needed_connections_are_documented() -> None:
    assert (processes.MIN_CONNECTIONS, processes.MAX_CONNECTIONS) == (14, 82)
    guide = (REPOSITORY / "deploy" / "README.md").read_text()
    assert f"up to {processes.MAX_CONNECTIONS} connections" in guide
    assert f"fewer than {processes.MIN_CONNECTIONS}" in guide


def test_documented_command_counts_connections(server_url: str) -> None:
    guide = (REPOSITORY / "deploy" / "README.md").read_text()
    query = next(line.strip() for line in guide.splitlines() if "pg_stat_activity" in line)
    address = urlsplit(server_url)
    with psycopg.connect(server_url) as first, psycopg.connect(server_url):
        name = address.path.lstrip("/")
        found = first.execute(query).fetchall()  # type: ignore[arg-type]
    assert [(row[0], row[1], row[2] >= 2) for row in found if row[0] == name] == [(name, address.username, True)]
