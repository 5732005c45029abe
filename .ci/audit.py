"""pip-audit of the lock files. Findings fail; packages that could not be audited are counted, not called clean."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK_FILES = ("requirements.txt", "requirements-dev.txt")
AUDIT_COMMAND = (
    *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
    *(part for lock in LOCK_FILES for part in ("-r", lock)),
)
TIMEOUT_SECONDS = 120


def main() -> int:
    try:
        answer = subprocess.run(AUDIT_COMMAND, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
        dependencies: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        pinned = len(_list_pinned())
        print(f"pip-audit: 0 packages audited, {pinned} NOT AUDITED: the database could not be reached")
        return 0
    for dependency in dependencies:
        for finding in dependency.get("vulns", []):
            fixed = ", ".join(finding["fix_versions"]) or "no version yet"
            print(f"{dependency['name']} {dependency['version']}: {finding['id']}, fixed in {fixed}")
    skipped = sum("skip_reason" in dependency for dependency in dependencies)
    print(f"pip-audit: {len(dependencies) - skipped} packages audited, {skipped} NOT AUDITED")
    return int(any(dependency.get("vulns") for dependency in dependencies))


def _list_pinned() -> set[str]:
    """Return the packages in the lock files."""
    return {name for lock in LOCK_FILES for name in re.findall(r"^([A-Za-z0-9._-]+)==", Path(lock).read_text(), re.M)}


if __name__ == "__main__":
    sys.exit(main())
