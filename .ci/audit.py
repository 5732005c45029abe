"""pip-audit of the lock files. Findings fail; so does an audit of nothing, unless this machine is offline.

AUDIT_OFFLINE=1 says that it is, AUDIT_OFFLINE=0 that it is not. Without either, it counts as offline if the database
does not know of an old Django's vulnerabilities.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK_FILES = ("requirements.txt", "requirements-dev.txt")
OPTIONS = ("--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10")
TIMEOUT_SECONDS = 120
KNOWN_TO_BE_VULNERABLE = "django==2.0"
SETTING = "AUDIT_OFFLINE"


def main() -> int:
    dependencies = _audit("--require-hashes", *(part for lock in LOCK_FILES for part in ("-r", lock)))
    for dependency in dependencies:
        for finding in dependency.get("vulns", []):
            fixed = ", ".join(finding["fix_versions"]) or "no version yet"
            print(f"{dependency['name']} {dependency['version']}: {finding['id']}, fixed in {fixed}")
    audited = sum("skip_reason" not in dependency for dependency in dependencies)
    print(f"pip-audit: {audited} packages audited, {_count_pinned() - audited} NOT AUDITED")
    if not audited:
        return _judge_empty_audit()
    return int(any(dependency.get("vulns") for dependency in dependencies))


def _audit(*arguments: str) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package; nothing if it cannot reach the database."""
    command = [sys.executable, "-m", "pip_audit", *OPTIONS, *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        found: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return found


def _judge_empty_audit() -> int:
    told = os.environ.get(SETTING, "")
    if told == "1" or (told != "0" and not _knows_vulnerabilities()):
        print(f"pip-audit: offline, so known vulnerabilities are NOT CHECKED; {SETTING}=0 makes this a failure")
        return 0
    print(f"pip-audit: failed, since nothing was audited. If this machine has no network, set {SETTING}=1")
    return 1


def _knows_vulnerabilities() -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(KNOWN_TO_BE_VULNERABLE)
        requirements.flush()
        return any(dependency.get("vulns") for dependency in _audit("--no-deps", "-r", requirements.name))


def _count_pinned() -> int:
    """Return the number of packages in the lock files."""
    return len({name for lock in LOCK_FILES for name in re.findall(r"^([\w.-]+)==", Path(lock).read_text(), re.M)})


if __name__ == "__main__":
    sys.exit(main())
