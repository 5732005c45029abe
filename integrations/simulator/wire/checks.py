"""Checks shared by the validators."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit


def is_web_url(value: Any) -> bool:
    if not isinstance(value, str) or re.search(r"[\s\\{}<>\"^`|]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def find_unknown_keys(level: dict[str, Any], known: set[str], prefix: str) -> Iterator[str]:
    for key in level.keys() - known:
        yield f"{prefix}{key} is not a key that SmartRecruiters knows"


def find_duplicates(items: Iterable[Any], where: str, key: str) -> Iterator[str]:
    """Yield a problem for each object of `items` with the same string under `key` as an earlier one."""
    seen: set[str] = set()
    for value in (item.get(key) for item in items if isinstance(item, dict)):
        if isinstance(value, str) and value in seen:
            yield f"{where} has the {key} {value!r} twice"
        seen.add(str(value))
