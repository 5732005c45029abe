"""The gate for known vulnerabilities in .ci/audit.py, with a fake pip-audit (tests/reliability/README.md, A23)."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.config.conftest import REPOSITORY

CLEAN = {"name": "django", "version": "5.2.19", "vulns": []}
FOUND = {"name": "requests", "version": "2.0", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["2.34.2"]}]}
SKIPPED = {"name": "celery", "skip_reason": "not found"}
PINNED = {
    name
    for lock in ("requirements.txt", "requirements-dev.txt")
    for name in re.findall(r"^([\w.-]+)==", (REPOSITORY / lock).read_text(), re.MULTILINE)
}
UNREACHED = f"pip-audit: 0 packages audited, {len(PINNED)} NOT AUDITED: the database could not be reached\n"
FINDING = "requests 2.0: CVE-2026-1, fixed in 2.34.2\n"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({"dependencies": [CLEAN, CLEAN]}, 0, "pip-audit: 2 packages audited, 0 NOT AUDITED\n"),
        ({"dependencies": [CLEAN, SKIPPED]}, 0, "pip-audit: 1 packages audited, 1 NOT AUDITED\n"),
        ({"dependencies": [FOUND, SKIPPED]}, 1, f"{FINDING}pip-audit: 1 packages audited, 1 NOT AUDITED\n"),
        ("no JSON", 0, UNREACHED),
    ],
)
def test_findings_fail_and_what_was_not_audited_is_counted(tmp_path: Path, answer: Any, status: int, said: str) -> None:
    (tmp_path / "pip_audit.py").write_text(f"print({json.dumps(answer)!r})" if answer != "no JSON" else "print('no')")
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, ".ci/audit.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (status, said)
