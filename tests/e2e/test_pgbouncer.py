"""The portal through a real PgBouncer in transaction mode."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import postgres
from tests.e2e.world import World, wait_for
from tests.integrations.simulator.process import ROOT
from tests.pgbouncer import run_pgbouncer

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.postgresql,
    pytest.mark.pgbouncer,
    pytest.mark.xdist_group("e2e-pgbouncer"),
]
KEYS = {
    "SECRET_KEY": "e2e-" + "0123456789abcdef" * 3,
    "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
READYZ = "import json; from django.test import Client; print(json.dumps(Client().get('/readyz').json()))"


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with postgres.provide_database() as url:
        yield urlsplit(url)._replace(query="").geturl()


@pytest.fixture(scope="module")
def pooled_url(server_url: str) -> Iterator[str]:
    with run_pgbouncer(server_url, default_pool_size=10) as url:
        yield f"{url}?pool_mode=transaction"


@pytest.fixture(scope="module")
def first_migrations(tmp_path_factory: pytest.TempPathFactory, pooled_url: str) -> list[tuple[int, str]]:
    """Let three processes migrate the new database at once, and return their exit statuses and messages."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"PORTAL_ENV_FILE": "", "PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("data")), "DATABASE_URL": pooled_url}
    return migrate_at_once({**kept, **own, **KEYS}, 3)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, pooled_url: str, first_migrations: list[tuple[int, str]]
) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("pgbouncer"), DATABASE_URL=pooled_url, **KEYS) as world:
        yield world


def count_locks(server_url: str) -> int:
    with psycopg.connect(server_url) as server:
        return server.execute(LOCKS).fetchone()[0]  # type: ignore[index]


def migrate_at_once(environment: dict[str, str], count: int) -> list[tuple[int, str]]:
    begun = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--no-input", "-v0"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    return [(process.wait(300), process.stderr.read()) for process in begun]  # type: ignore[union-attr]


def test_processes_that_migrate_a_new_database_at_once_all_succeed(
    first_migrations: list[tuple[int, str]], server_url: str
) -> None:
    assert first_migrations == [(0, "")] * 3
    assert count_locks(server_url) == 0


def test_processes_migrate_beside_the_running_portal(world: World, server_url: str) -> None:
    assert [migrate_at_once(world.environment, 1) for _ in range(4)] == [[(0, "")]] * 4
    assert count_locks(server_url) == 0


def test_orders_and_commands_lose_nothing(world: World, tmp_path: Path) -> None:
    leaving, staying = world.seeded["customers"]
    world.connect_company("leaving", 0)
    world.connect_company("staying", 1)
    erased = {"candidate": {"id": "c-erased", "email": "nadia@reader.example", "firstName": "Nadia", "lastName": "R"}}
    package = world.package_ids("SKILL_TEST")[0]
    placed = world.control.place_orders("leaving", package, count=20, parallel=4)
    placed += world.control.place_orders("staying", package, count=20, parallel=4)
    placed += world.control.place_orders("staying", package, count=1, overrides=erased)
    assert [order["accepted"] for order in placed] == [True] * 41
    wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"})
    wait_for("all to be confirmed", lambda: "waiting 0" in world.run_manage("reconcile"))

    assert world.run_manage("reconcile") == (
        "reported 41, confirmed 41, waiting 0, held 0, unknown 0, failed 0, gap 0\n"
    )
    assert world.run_manage("audit_verify").startswith("The audit log is intact. The newest entry is ")
    exported = tmp_path / "candidate.zip"
    said = world.run_manage("export_candidate", "nadia@reader.example", "--output", str(exported))
    assert said == "Exported 1 orders with 1 files.\n"
    assert world.run_manage("erase_candidate", "nadia@reader.example").startswith("Erased from 1 orders, with 1 files")
    archive = tmp_path / "customer.zip"
    certificate = json.loads(world.run_manage("offboard_customer", leaving["id"], "--output", str(archive)))
    counts = {name: certificate[name] for name in ("connections", "orders", "files", "candidates_left")}
    assert counts == {"connections": 1, "orders": 20, "files": 20, "candidates_left": 0}
    assert sum(name.startswith("orders/") for name in zipfile.ZipFile(archive).namelist()) == 20
    assert world.run_manage("reconcile") == (
        "reported 20, confirmed 20, waiting 0, held 0, unknown 0, failed 0, gap 0\n"
    )
    assert staying["id"] != leaving["id"]
    assert world.control.list_breaches() == []
    assert [line for line in world.read_log().splitlines() if "InvalidCursorName" in line or "Traceback" in line] == []


def test_readiness_finds_nothing_to_change(world: World) -> None:
    answer = json.loads(world.run_manage("shell", "-v0", "-c", READYZ))
    assert answer == {"status": "ok", "degraded": []}
