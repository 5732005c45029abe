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
NOTHING = f"pip-audit: 0 packages audited, {len(PINNED)} NOT AUDITED\n"
OFFLINE = (
    f"{NOTHING}pip-audit: offline, so known vulnerabilities are NOT CHECKED; AUDIT_OFFLINE=0 makes this a failure\n"
)
FAILED = f"{NOTHING}pip-audit: failed, since nothing was audited. If this machine has no network, set AUDIT_OFFLINE=1\n"
FINDING = "requests 2.0: CVE-2026-1, fixed in 2.34.2\n"
# Without hashes, it is asked whether the database knows an old Django.
FAKE = """
import sys
print({answer!r} if "--require-hashes" in sys.argv else {probed!r})
"""


def run_gate(folder: Path, answer: Any, probed: Any = "", **environment: str) -> tuple[int, str]:
    texts = {"answer": json.dumps(answer) if answer else "", "probed": json.dumps(probed) if probed else ""}
    (folder / "pip_audit.py").write_text(FAKE.format(**texts))
    done = subprocess.run(
        [sys.executable, ".ci/audit.py"],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def count(audited: int) -> str:
    return f"pip-audit: {audited} packages audited, {len(PINNED) - audited} NOT AUDITED\n"


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({"dependencies": [CLEAN, CLEAN]}, 0, count(2)),
        ({"dependencies": [CLEAN, SKIPPED]}, 0, count(1)),
        ({"dependencies": [FOUND, SKIPPED]}, 1, f"{FINDING}{count(1)}"),
        ({"dependencies": [FOUND, CLEAN, SKIPPED]}, 1, f"{FINDING}{count(2)}"),
    ],
)
@pytest.mark.parametrize("told", [{}, {"AUDIT_OFFLINE": "0"}, {"AUDIT_OFFLINE": "1"}], ids=str)
def test_findings_fail_and_what_was_not_audited_is_counted(
    tmp_path: Path, answer: Any, status: int, said: str, told: dict[str, str]
) -> None:
    assert run_gate(tmp_path, answer, **told) == (status, said)


@pytest.mark.parametrize("answer", ["", {"dependencies": []}, {"dependencies": [SKIPPED, SKIPPED]}], ids=str)
@pytest.mark.parametrize(
    ("told", "probed", "outcome"),
    [
        ("", {"dependencies": [{"name": "django", "skip_reason": "not found"}]}, (0, OFFLINE)),
        ("", {"dependencies": [{**CLEAN, "version": "2.0"}]}, (0, OFFLINE)),
        ("", "", (0, OFFLINE)),
        ("", {"dependencies": [FOUND]}, (1, FAILED)),
        ("0", "", (1, FAILED)),
        ("1", {"dependencies": [FOUND]}, (0, OFFLINE)),
    ],
)
def test_audit_of_nothing_fails_unless_the_machine_is_offline(
    tmp_path: Path, answer: Any, told: str, probed: Any, outcome: tuple[int, str]
) -> None:
    assert run_gate(tmp_path, answer, probed, AUDIT_OFFLINE=told) == outcome
