"""Redaction of secrets and personal data: one list of names and patterns for the HTTP client, the logs and admin."""

import re
from collections.abc import Callable
from typing import Any

from integrations.strict_json import replace_invalid

MASK = "***"
MAX_TEXT_CHARACTERS = 4000

SECRETS = "secret|sealed|token|hash|password|authorization|signature|cookie"
SECRET_NAME = re.compile(SECRETS, re.I)
SECRET_OR_PERSONAL_NAME = re.compile(f"{SECRETS}|client_id|email|first_name|last_name", re.I)
BODY_SECRET = re.compile(r'(?i)("(?:\w*secret\w*|\w*token\w*|password)"\s*:\s*)"[^"]*"|(Bearer |Basic )[\w~+/=.-]+')

QUOTE = r"['\"]?"
LOG_PATTERNS = (
    re.compile(rf"(?P<keep>Bearer |Basic |(?:secret|token|password){QUOTE}(?:=|: ?){QUOTE})[^\s'\",;&}}]+", re.I),
    # URLs that grant access by themselves, and the key in the URL that SmartRecruiters calls to disconnect.
    re.compile(
        r"(?P<keep>/take/|/files/|/invitations/|/password/reset/key/|/smartrecruiters/(?=[\w-]{20,}/))[^\s/?'\"]+"
    ),
    re.compile(r"(?P<keep>\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE) [^\s?]*\?)\S+"),
    # Email addresses. Lookbehind and possessive quantifiers keep the time linear for long words.
    re.compile(r"(?P<keep>)(?<![\w.+-])[\w.+-]++(?:@|%40)[\w-]++\.[\w.-]+"),
)
# One event is one line: a line break in a value, a requested path say, must not start another (log injection).
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact_text(text: str) -> str:
    """Redact secrets in a request's or response's body and cut it to MAX_TEXT_CHARACTERS."""
    redacted = BODY_SECRET.sub(lambda m: f'{m[1]}"{MASK}"' if m[1] else m[2] + MASK, text[:MAX_TEXT_CHARACTERS])
    return str(replace_invalid(redacted))


def redact_value(value: Any) -> Any:
    """Redact secrets in parsed JSON, by name and in its texts."""
    return _redact_tree(value, SECRET_NAME, lambda leaf: redact_text(leaf) if isinstance(leaf, str) else leaf)


def redact_log_text(text: str) -> str:
    """Redact secrets, access URLs, query strings and email addresses in a log line."""
    for pattern in LOG_PATTERNS:
        text = pattern.sub(rf"\g<keep>{MASK}", text)
    return text


def redact_log_value(value: Any) -> Any:
    """Redact secrets and personal data in a logged value. Objects that are not JSON become their redacted `repr`."""
    return _redact_tree(value, SECRET_OR_PERSONAL_NAME, _redact_log_leaf)


def _redact_log_leaf(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = redact_log_text(value if isinstance(value, str) else repr(value))
    return CONTROL_CHARACTERS.sub(lambda match: ascii(match[0])[1:-1], text)


def _redact_tree(value: Any, names: re.Pattern[str], redact_leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {
            key: MASK if names.search(str(key)) else _redact_tree(item, names, redact_leaf)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact_tree(item, names, redact_leaf) for item in value]
    return redact_leaf(value)
