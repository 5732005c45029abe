"""pip-audit over the lock files: findings fail, a source that cannot be reached is said and passes."""

import json
import subprocess
import sys
from typing import Any

AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
    *("-r", "requirements.txt", "-r", "requirements-dev.txt"),
)
PATIENCE = 120


def main() -> int:
    try:
        answer = subprocess.run(AUDIT, capture_output=True, text=True, timeout=PATIENCE)
        dependencies: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        print("pip-audit: its source could not be reached; no package was audited")
        return 0
    for dependency in dependencies:
        for finding in dependency.get("vulns", []):
            fixed = ", ".join(finding["fix_versions"]) or "no version yet"
            print(f"{dependency['name']} {dependency['version']}: {finding['id']}, fixed in {fixed}")
    skipped = sum("skip_reason" in dependency for dependency in dependencies)
    print(f"pip-audit: {len(dependencies) - skipped} packages audited, {skipped} not audited")
    return int(any(dependency.get("vulns") for dependency in dependencies))


if __name__ == "__main__":
    sys.exit(main())
