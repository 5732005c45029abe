"""The `requester` header of the package list: who is choosing. How it is spelled nobody has published (PROTOCOL.md)."""

import re

from django.core.validators import RegexValidator

from integrations.api.parsers import Malformed, loads

MAX_LENGTH = 1000
of_a_rule = RegexValidator(r"\A[^@\s]*@[^@\s]+\Z", "Send an address like a@b.example, or @b.example.")
ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\"\\={}]{1,64}@[^\s@,;:<>()\[\]\"\\={}/?#]{1,189}")


class NoRequester(ValueError):
    """The header names nobody in a spelling that we know; the message says what would be right."""

    def __init__(self) -> None:
        super().__init__('Send {"email": "a@b.example"} as JSON, or email,a@b.example, or the address alone.')


def email_of(header: str) -> str:
    """The address in the header, as WSGI gives it. Raises NoRequester."""
    try:
        text = header.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        raise NoRequester from None
    email = _spelled_out(text) if len(text) <= MAX_LENGTH else None
    if not isinstance(email, str) or not email.isprintable() or ADDRESS.fullmatch(email) is None:
        raise NoRequester
    return email


def _spelled_out(text: str) -> object:
    if text.startswith("{"):
        try:
            return loads(text.encode()).get("email")
        except Malformed:
            return None
    key, comma, value = text.partition(",")
    return value.strip() if comma and key.strip().lower() == "email" else text
