"""The file of settings: what is wrong with it, before anybody reads it. A line in it may be a secret, and is not shown.

Nothing of Django is imported here: the supervisor asks, too.
"""

import re
from pathlib import Path

SETTING_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*")


def check_env_file(path: str, *, is_named: bool) -> str:
    """Empty where it is good. `.env` may be missing. One that is named may not, lest the portal start on an
    empty database of its own."""
    file = Path(path)
    if not path or not (is_named or file.exists()):
        return ""
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or "it is no text"
        return f"The settings in {file} cannot be read ({why}): mend it, or PORTAL_ENV_FILE"
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#") and not SETTING_LINE.fullmatch(line):
            return f"{file}, line {number}, is no setting: write NAME=value, or # before a remark"
    return ""
