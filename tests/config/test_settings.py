"""What the settings make of an environment, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from integrations.database.limits import choose_limits
from tests.integrations.simulator.process import ROOT

SHOW = "import json; from django.db import connection; print(json.dumps(connection.settings_dict, default=str))"
START_WORKER = "import config; from celery.signals import worker_init; worker_init.send(None); "


def database(folder: Path, *, code: str = SHOW, **environment: str) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORTAL_ENV_FILE": "",
        "PORTAL_DATA_DIR": str(folder),
        "SECRET_KEY": "for-tests-only-" + "0123456789abcdef" * 3,
        "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**kept, **given, **environment}, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_commit_on_postgresql_waits_for_the_disk(tmp_path: Path) -> None:
    options = database(tmp_path, DATABASE_URL="postgres://u:p@127.0.0.1:1/d")["OPTIONS"]
    assert options["options"].split(" -c ")[0] == "-c synchronous_commit=on"


def test_request_waits_four_seconds_for_the_database_and_a_worker_longer(tmp_path: Path) -> None:
    url = "postgres://u:p@127.0.0.1:1/d"
    waits = (
        "-c synchronous_commit=on -c lock_timeout={} "
        "-c idle_in_transaction_session_timeout=1min -c statement_timeout={}"
    )
    web, worker = database(tmp_path, DATABASE_URL=url), database(tmp_path, DATABASE_URL=url, code=START_WORKER + SHOW)
    assert web["OPTIONS"] == {"connect_timeout": 4, "options": waits.format("4s", "10s")}
    assert worker["OPTIONS"] == {"connect_timeout": 4, "options": waits.format("20s", "1min")}
    assert database(tmp_path)["OPTIONS"]["timeout"] == 4
    assert database(tmp_path, code=START_WORKER + SHOW)["OPTIONS"]["timeout"] == 20


URL = "postgres://portal:hidden@db.vendor.example/portal"


def test_pooler_gets_no_startup_options_and_no_cursors(tmp_path: Path) -> None:
    found = database(tmp_path, DATABASE_URL=f"{URL}?sslmode=require&pool_mode=transaction", code=START_WORKER + SHOW)
    assert (found["ENGINE"], found["DISABLE_SERVER_SIDE_CURSORS"]) == ("integrations.database.pooler", True)
    limits = {
        "synchronous_commit": "on",
        "lock_timeout": "20s",
        "idle_in_transaction_session_timeout": "1min",
        "statement_timeout": "1min",
    }
    assert found["OPTIONS"] == {"sslmode": "require", "connect_timeout": 4, "limits": limits}


def test_startup_options_of_the_url_are_kept(tmp_path: Path) -> None:
    options = database(tmp_path, DATABASE_URL=f"{URL}?options=-c%20search_path%3Dportal")["OPTIONS"]["options"]
    assert options.startswith("-c search_path=portal -c synchronous_commit=on -c lock_timeout=4s ")


POOL_MODE = (
    "write pool_mode=transaction, which suits a pooler in session mode, too, or remove it for a direct connection"
)
KEPT_BY_SESSION = (
    "beside pool_mode: a pooler does not keep it between transactions; remove it and set it in the server with "
    "ALTER ROLE … SET"
)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("pool_mode=session", f"DATABASE_URL has pool_mode=session: {POOL_MODE}"),
        ("pool_mode=statement", f"DATABASE_URL has pool_mode=statement: {POOL_MODE}"),
        ("pool_mode=Transaction", f"DATABASE_URL has pool_mode=Transaction: {POOL_MODE}"),
        ("pool_mode=transaction&options=-c%20search_path%3Dx", f"DATABASE_URL has options {KEPT_BY_SESSION}"),
        ("pool_mode=transaction&assume_role=owner", f"DATABASE_URL has assume_role {KEPT_BY_SESSION}"),
    ],
)
def test_what_a_pooler_does_not_keep_is_refused(query: str, message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        environment.parse_database_url(f"{URL}?{query}", choose_limits(is_worker=False))
    assert str(raised.value) == message
