"""Ids from outside: strict patterns before one touches a URL, and the one place that puts one there.

`requests` resolves dot segments, with our token (RELIABILITY.md, finding 1): a pattern closes that, quoting does not.
"""

import re

URL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COMPANY_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")
ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class UnsafeIdentifierError(ValueError):
    """This id must not stand in a URL."""


def is_company_id(text: str) -> bool:
    return COMPANY_ID.fullmatch(text) is not None


def is_url_safe_id(text: str) -> bool:
    """May this id of a candidate or a job stand in a URL?"""
    return URL_ID.fullmatch(text) is not None


def build_path(*segments: str) -> str:
    """`/a/b/c` of configured prefixes and ids. Raises UnsafeIdentifierError for an id that could lead elsewhere."""
    prefix, *ids = segments
    for segment in ids:
        if COMPANY_ID.fullmatch(segment) is None:
            raise UnsafeIdentifierError(f"{segment[:40]!r} is no id that may stand in a URL")
    return "/".join([prefix.rstrip("/"), *ids])
