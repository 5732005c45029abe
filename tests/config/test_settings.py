"""What the settings make of an environment, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integrations.simulator.process import ROOT

SHOW = "import json; from django.conf import settings; print(json.dumps(settings.DATABASES['default'], default=str))"


def database(folder: Path, **environment: str) -> dict[str, Any]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORTAL_ENV_FILE": "",
        "PORTAL_DATA_DIR": str(folder),
        "SECRET_KEY": "for-tests-only-" + "0123456789abcdef" * 3,
        "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env={**kept, **given, **environment}, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_commit_on_postgresql_waits_for_the_disk(tmp_path: Path) -> None:
    options = database(tmp_path, DATABASE_URL="postgres://u:p@127.0.0.1:1/d")["OPTIONS"]
    assert options["options"].split(" -c ")[0] == "-c synchronous_commit=on"


def test_request_waits_four_seconds_for_the_database_and_a_worker_longer(tmp_path: Path) -> None:
    url = "postgres://u:p@127.0.0.1:1/d"
    waits = (
        "-c synchronous_commit=on -c lock_timeout={} -c idle_in_transaction_session_timeout=60s -c statement_timeout={}"
    )
    web, worker = database(tmp_path, DATABASE_URL=url), database(tmp_path, DATABASE_URL=url, PORTAL_WORKER="1")
    assert web["OPTIONS"] == {"connect_timeout": 4, "options": waits.format("4s", "10s")}
    assert worker["OPTIONS"] == {"connect_timeout": 4, "options": waits.format("20s", "60s")}
    assert database(tmp_path)["OPTIONS"]["timeout"] == 4
    assert database(tmp_path, PORTAL_WORKER="1")["OPTIONS"]["timeout"] == 20
