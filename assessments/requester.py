"""Parser of the `requester` header, the email address of the recruiter who asks for packages.

Its encoding is not published: see "The requester header" in integrations/smartrecruiters/README.md.
"""

import re

from django.core.validators import RegexValidator

from integrations.strict_json import MalformedJSONError, parse_json

MAX_HEADER_LENGTH = 1000
validate_rule_requester = RegexValidator(r"\A[^@\s]*@[^@\s]+\Z", "Send an email address or a domain, like @b.example.")
EMAIL_PATTERN = re.compile(r"[^\s@,;:<>()\[\]\"\\={}]{1,64}@[^\s@,;:<>()\[\]\"\\={}/?#]{1,189}")


class InvalidRequesterError(ValueError):
    """Raised for a header in an unknown spelling. The message lists the accepted ones."""

    def __init__(self) -> None:
        super().__init__('Send {"email": "a@b.example"} as JSON, or email,a@b.example, or the email address alone.')


def parse_requester(header: str) -> str:
    """Return the email address in the header, as WSGI passes it. Raise InvalidRequesterError if there is none."""
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
