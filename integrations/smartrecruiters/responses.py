"""What SmartRecruiters' answers hold, checked: another shape is no success (RELIABILITY.md, X6 and X7)."""

from typing import Any

from integrations.http.client import CallFailed, Reply

MIN_LIFE, MAX_LIFE, DEFAULT_LIFE = 5, 24 * 3600, 300
MAX_SECRET = 4096


def _text(content: Any, key: str, what: str) -> str:
    value = content.get(key) if isinstance(content, dict) else None
    if (
        not isinstance(value, str)
        or not value
        or len(value) > MAX_SECRET
        or not value.isascii()
        or not value.isprintable()
    ):
        raise CallFailed(f"the answer holds no usable {what}")
    return value


def token_of(reply: Reply) -> tuple[str, int]:
    """(access token, seconds it lives) of the token endpoint's 200. Raises CallFailed."""
    token = _text(reply.content, "access_token", "access_token")
    life = reply.content.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int) or life <= 0:
        life = DEFAULT_LIFE
    return token, max(MIN_LIFE, min(life, MAX_LIFE))


def pair_of(reply: Reply) -> tuple[str, str]:
    """(client id, client secret) of the integration's 200. Raises CallFailed."""
    return _text(reply.content, "clientId", "clientId"), _text(reply.content, "clientSecret", "clientSecret")


def said(reply: Reply) -> str:
    """SmartRecruiters' own words, `code: message`, out of an error body; empty where it said nothing."""
    errors = reply.content.get("errors") if isinstance(reply.content, dict) else None
    if not isinstance(errors, list):
        return ""
    lines = [
        ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
        for error in errors
        if isinstance(error, dict)
    ]
    return "; ".join(lines)[:300]
