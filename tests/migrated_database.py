"""Migrated SQLite database of this run of the suite, for the tests and for the portals that they start.

Migrations take some ten seconds of CPU, so they run once per run of the suite and not once per portal.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from config.supervisor.environment import PYTHON, REPOSITORY

DATABASE_NAME = "portal.sqlite3"


def copy_migrated_database(path: Path) -> None:
    """Put an empty database with all tables at `path`, where there is none yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_ensure_migrated_database(), path)


def _ensure_migrated_database() -> Path:
    """Migrate the database that is copied, unless another process of this run did, and return its path."""
    folder = Path(os.environ["PORTAL_DATA_DIR"]) / "migrated"  # of this run: see tests/settings.py
    folder.mkdir(exist_ok=True)
    done = folder / "done"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            environment = {"PATH": os.environ["PATH"], "PORTAL_ENV_FILE": "", "PORTAL_DATA_DIR": str(folder)}
            command = [PYTHON, "manage.py", "migrate", "--no-input", "--verbosity=0"]
            subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
            done.touch()
    return folder / DATABASE_NAME
