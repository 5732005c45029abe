"""Several processes that migrate one new database at once, as `make serve` and `seed_demo` may."""

import os
import subprocess
import sys
from pathlib import Path

from tests.config.conftest import REPOSITORY


def test_commands_that_migrate_at_once_all_succeed(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "DJANGO", "PORTAL"))}
    begun = [
        subprocess.Popen(
            [sys.executable, "manage.py", "seed_demo", "--json"],
            cwd=REPOSITORY,
            env={**bare, "PORTAL_DATA_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in begun]
    assert [(process.returncode, errors) for process, (_, errors) in zip(begun, said, strict=True)] == [(0, "")] * 2
    assert said[0][0] == said[1][0] != ""
