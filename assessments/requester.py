"""Parser of the `requester` header, the email address of the recruiter who asks for packages.

Its encoding is not published: see "The requester header" in integrations/smartrecruiters/README.md.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from django.core.validators import RegexValidator

from integrations.strict_json import MalformedJSONError, parse_json
from integrations.text import clean_email, to_text

MAX_HEADER_LENGTH = 1000
validate_rule_requester = RegexValidator(r"\A[^@\s]*@[^@\s]+\Z", "Send an email address or a domain, like @b.example.")
EMAIL_PATTERN = re.compile(r"[^\s@,;:<>()\[\]\"\\={}]{1,64}@[^\s@,;:<>()\[\]\"\\={}/?#]{1,189}")
PERCENT_ENCODED_START = re.compile("%(?:7B|22|3C)", re.I)  # of a brace, a quotation mark, an angle bracket
USER_ID, EMAIL = "userid", "email"


class InvalidRequesterError(ValueError):
    """Raised for a header in an unknown spelling. The message lists the accepted ones."""

    def __init__(self) -> None:
        super().__init__('Send {"email": "a@b.example"} as JSON, or email,a@b.example, or the email address alone.')


def parse_requester(header: str) -> str:
    """Return the email address in the header, as WSGI passes it; "" if it has no address.

    Raises InvalidRequesterError for a header that is neither.
    """
    try:
        text = header.encode("latin-1").decode("utf-8").strip()
        named = _extract_email(text) if len(text) <= MAX_HEADER_LENGTH else None
    except (UnicodeError, MalformedJSONError):
        raise InvalidRequesterError from None
    if named is None:
        raise InvalidRequesterError
    email = clean_email(named)
    if email and (not email.isprintable() or EMAIL_PATTERN.fullmatch(email) is None):
        raise InvalidRequesterError
    return email


def _extract_email(text: str) -> str | None:
    """Return the text of the email address, "" if there is no address, and None for an unknown spelling."""
    if "@" not in text or PERCENT_ENCODED_START.match(text):
        text = unquote(text, errors="strict").strip()
    if text.startswith(("{", "[", '"{')) or text == "null":
        parsed = parse_json(text.encode())
        if isinstance(parsed, str):  # JSON in JSON
            parsed = parse_json(parsed.encode())
        return _find_email(parsed) if isinstance(parsed, dict) else "" if parsed is None else None
    properties = _parse_simple(text)
    return text if properties is None else _find_email(properties)


def _find_email(properties: Mapping[str, object]) -> str | None:
    found = next((value for key, value in properties.items() if key.strip().lower() == EMAIL), None)
    return to_text(found) if found is None or not isinstance(found, dict | list) else None


def _parse_simple(text: str) -> dict[str, str] | None:
    """Parse OpenAPI's style "simple", `email,a@b.example`, or exploded, `email=a@b.example`; None for other text."""
    parts = [part.strip() for part in text.split(",")]
    pairs = [part.partition("=")[::2] for part in parts]
    if not all("=" in part for part in parts):
        pairs = list(zip(parts[::2], parts[1::2], strict=False)) if len(parts) % 2 == 0 else []
    properties = {key.strip().lower(): value.strip() for key, value in pairs}
    return properties if len(properties) == len(pairs) and {USER_ID, EMAIL} & properties.keys() else None
