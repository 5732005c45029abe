"""Path segments of URLs: strict patterns for ids from outside, against path traversal.

`requests` resolves dot segments, also quoted ones, and would send our token to another path.
"""

import re

URL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COMPANY_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")
ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class UnsafeIdentifierError(ValueError):
    """The id is not safe in a URL."""


def is_company_id(text: str) -> bool:
    return COMPANY_ID.fullmatch(text) is not None


def is_url_safe_id(text: str) -> bool:
    return URL_ID.fullmatch(text) is not None


def build_path(*segments: str) -> str:
    """Join a configured prefix and ids to a path. Raises UnsafeIdentifierError."""
    prefix, *ids = segments
    for segment in ids:
        if COMPANY_ID.fullmatch(segment) is None:
            raise UnsafeIdentifierError(f"{segment[:40]!r} is no id that may stand in a URL")
    return "/".join([prefix.rstrip("/"), *ids])
