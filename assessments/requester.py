"""The `requester` header of the package list: who is choosing. How it is spelled nobody has published (PROTOCOL.md)."""

import re

from django.core.validators import RegexValidator

from integrations.api.parsers import MalformedJSONError, parse_json

MAX_HEADER_LENGTH = 1000
validate_rule_requester = RegexValidator(r"\A[^@\s]*@[^@\s]+\Z", "Send an address like a@b.example, or @b.example.")
EMAIL_PATTERN = re.compile(r"[^\s@,;:<>()\[\]\"\\={}]{1,64}@[^\s@,;:<>()\[\]\"\\={}/?#]{1,189}")


class InvalidRequesterError(ValueError):
    """The header names nobody in a spelling that we know; the message says what would be right."""

    def __init__(self) -> None:
        super().__init__('Send {"email": "a@b.example"} as JSON, or email,a@b.example, or the address alone.')


def parse_requester(header: str) -> str:
    """The address in the header, as WSGI gives it. Raises InvalidRequesterError."""
    try:
        text = header.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        raise InvalidRequesterError from None
    email = _extract_email(text) if len(text) <= MAX_HEADER_LENGTH else None
    if not isinstance(email, str) or not email.isprintable() or EMAIL_PATTERN.fullmatch(email) is None:
        raise InvalidRequesterError
    return email


def _extract_email(text: str) -> object:
    if text.startswith("{"):
        try:
            return parse_json(text.encode()).get("email")
        except MalformedJSONError:
            return None
    key, comma, value = text.partition(",")
    return value.strip() if comma and key.strip().lower() == "email" else text
