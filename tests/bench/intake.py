"""Measures of what SmartRecruiters waits for: orders and package lists, beside the floor and the stock way.

The floor is a bare WSGI function that inserts one row (`floor.py`), the stock way a vendor's own DRF view with the
toolkit (`stock/`). All three run on the same server and the same kind of database, one after the other.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import requests

from tests.bench.measures import Measurement
from tests.bench.stage import PACKAGE_TYPE, Stage, print_progress
from tests.bench.wrk import Load, run_load
from tests.e2e.world import wait_for
from tests.integrations.simulator.process import ROOT, free_port

GOAL_OF_FLOOR = 0.16
GOAL_P99_MS = 250
ORDERS_PATH = "/smartrecruiters/packages/orders"
LIST_PATH = "/smartrecruiters/packages"
BACKGROUND = ("courier", "dispatcher", "scheduler")


def intake(stage: Stage, seconds: float) -> list[Measurement]:
    """Measure orders per second, as a ratio to the floor and to the stock way."""
    from tests.bench import floor

    floor.create_table()
    headers, body = build_order(stage)
    with stop_background(stage):
        ours = _load_orders(f"{stage.world.url}{ORDERS_PATH}", headers, body, seconds)
        pace = GOAL_OF_FLOOR * 0.8
        with serve("tests.bench.floor:application", stage.world.environment) as url:
            bare = _load_orders(f"{url}/", headers, body, seconds)
        paced = _load_orders(
            f"{stage.world.url}{ORDERS_PATH}", headers, body, seconds, per_second=bare.per_second * pace
        )
        with serve_stock(stage) as (url, token):
            stock = _load_orders(f"{url}{ORDERS_PATH}", headers | {"Authorization": f"Bearer {token}"}, body, seconds)
    beside = _load_orders(f"{stage.world.url}{ORDERS_PATH}", headers, body, seconds)
    of_floor = ours.per_second / bare.per_second
    errors = ours.errors + bare.errors + stock.errors + beside.errors + paced.errors
    return [
        Measurement(
            "Orders, couriers stopped",
            f"{ours.per_second:.0f}/s = {of_floor:.2f} of the floor ({bare.per_second:.0f}/s), "
            f"{ours.per_second / stock.per_second:.1f} of the stock way ({stock.per_second:.0f}/s), {errors} errors",
            f"≥ {GOAL_OF_FLOOR} of the floor",
            of_floor >= GOAL_OF_FLOOR and not errors,
        ),
        Measurement(
            "Orders at 80 % of the goal",
            f"{paced.per_second:.0f}/s, p50 {paced.p50:.0f} ms, p99 {paced.p99:.0f} ms",
            f"p99 < {GOAL_P99_MS} ms",
            paced.p99 < GOAL_P99_MS,
        ),
        Measurement("Orders beside the running couriers", f"{beside.per_second:.0f}/s, p99 {beside.p99:.0f} ms"),
    ]


def requests_without_effect(stage: Stage, seconds: float) -> list[Measurement]:
    """Measure a list of twelve packages, and what every request pays: 404, 401 and `/healthz`."""
    headers, _ = build_order(stage)
    cases = {
        "Package list, a customer's": (LIST_PATH, headers),
        "404 with a token": ("/smartrecruiters/nothing", headers),
        "401": (LIST_PATH, {}),
        "/healthz": ("/healthz", {}),
    }
    with stop_background(stage):
        loads = {
            name: run_load(f"{stage.world.url}{path}", headers=sent, seconds=seconds)
            for name, (path, sent) in cases.items()
        }
    return [Measurement(name, f"{load.per_second:.0f}/s, p99 {load.p99:.0f} ms") for name, load in loads.items()]


def _load_orders(url: str, headers: dict[str, str], body: str, seconds: float, per_second: float | None = None) -> Load:
    load = run_load(
        url, method="POST", headers=headers, body=body, seconds=seconds, per_second=per_second,
        seed=int.from_bytes(os.urandom(3)),
    )  # fmt: skip
    print_progress(f"{url}: {load}")
    return load


def build_order(stage: Stage) -> tuple[dict[str, str], str]:
    """Return the headers of a new connection, and the body of its orders."""
    from integrations.models import Client, Connection

    [company] = stage.connect_companies(1)
    client, secret = Client.issue("bench", connection=Connection.objects.get(company_id=company))
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret}
    token = requests.post(f"{stage.world.url}/oauth/token", form, timeout=30).json()["access_token"]
    body = {
        "resultCallbackURL": f"{stage.world.simulator.url}/assessment-api/v202010/orders/ORDER_ID/results",
        "candidate": {"id": "c-1", "email": "nadia@reader.example", "firstName": "Nadia", "lastName": "Reader"},
        "requester": {"userId": "u-1", "email": "ruth@northwind.example"},
        "assessmentPackageId": stage.world.package_ids(PACKAGE_TYPE)[0],
        "companyId": company,
        "jobId": "j-1",
        "fields": {"level": "Senior", "site": "Berlin"},
    }
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, json.dumps(body)


@contextlib.contextmanager
def stop_background(stage: Stage) -> Iterator[None]:
    """Stop the couriers, the dispatcher and the scheduler for the time of a measurement."""
    pids = stage.world.find_pids(*BACKGROUND)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def serve(application: str, environment: dict[str, str]) -> Iterator[str]:
    """Serve another WSGI application as the portal is served, and yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", application, "-c", "python:config.server.gunicorn"]
    command += ["-b", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(application, lambda: _answers(f"http://127.0.0.1:{port}/"), 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextlib.contextmanager
def serve_stock(stage: Stage) -> Iterator[tuple[str, str]]:
    """Serve the stock way with a database of its own, and yield its URL and a token."""
    with _stock_database(stage) as database:
        environment = {**stage.world.environment, "STOCK_DATABASE_URL": database}
        command = [sys.executable, "-m", "tests.bench.stock.prepare"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        with serve("tests.bench.stock.wsgi:application", environment) as url:
            yield url, done.stdout.strip()


@contextlib.contextmanager
def _stock_database(stage: Stage) -> Iterator[str]:
    url = stage.world.environment.get("DATABASE_URL")
    if not url:
        yield f"sqlite:///{stage.world.folder / 'stock.sqlite3'}"
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench_stock")
        try:
            yield url.rpartition("/")[0] + "/bench_stock"
        finally:
            connection.execute("DROP DATABASE bench_stock WITH (FORCE)")


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return bool(requests.get(url, timeout=5).status_code)
    return False
