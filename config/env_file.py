"""Validation of the `.env` file. Its lines may hold secrets and are never shown.

Does not import Django: the supervisor uses it, too.
"""

import re
from pathlib import Path

SETTING_LINE = re.compile(r"(?:export )?[A-Za-z_0-9]+=.*")


def check_env_file(path: str, *, is_named: bool) -> str:
    """Return an error message, or an empty string.

    `.env` may be missing. A file named by PORTAL_ENV_FILE may not: the portal would start on an empty database.
    """
    file = Path(path)
    if not path or not (is_named or file.exists()):
        return ""
    try:
        lines = file.read_text().splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "not a text file"
        return f"The settings in {file} cannot be read ({reason}): check the file and PORTAL_ENV_FILE"
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#") and not SETTING_LINE.fullmatch(line):
            return f"{file}, line {number}, is not a setting: write NAME=value, or # before a comment"
    return ""
