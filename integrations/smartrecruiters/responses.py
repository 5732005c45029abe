"""What SmartRecruiters' answers hold, checked: another shape is no success (RELIABILITY.md, X6 and X7)."""

from typing import Any

from integrations.http.client import CallFailedError, Response

MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS, DEFAULT_LIFETIME_SECONDS = 5, 24 * 3600, 300
MAX_SECRET_LENGTH = 4096


def _require_text(content: Any, key: str, label: str) -> str:
    value = content.get(key) if isinstance(content, dict) else None
    if (
        not isinstance(value, str)
        or not value
        or len(value) > MAX_SECRET_LENGTH
        or not value.isascii()
        or not value.isprintable()
    ):
        raise CallFailedError(f"the answer holds no usable {label}")
    return value


def parse_token(response: Response) -> tuple[str, int]:
    """(access token, seconds it lives) of the token endpoint's 200. Raises CallFailed."""
    token = _require_text(response.content, "access_token", "access_token")
    life = response.content.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int) or life <= 0:
        life = DEFAULT_LIFETIME_SECONDS
    return token, max(MIN_LIFETIME_SECONDS, min(life, MAX_LIFETIME_SECONDS))


def parse_credentials(response: Response) -> tuple[str, str]:
    """(client id, client secret) of the integration's 200. Raises CallFailed."""
    return _require_text(response.content, "clientId", "clientId"), _require_text(
        response.content, "clientSecret", "clientSecret"
    )


def parse_error_message(response: Response) -> str:
    """SmartRecruiters' own words, `code: message`, out of an error body; empty where it said nothing."""
    errors = response.content.get("errors") if isinstance(response.content, dict) else None
    if not isinstance(errors, list):
        return ""
    lines = [
        ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
        for error in errors
        if isinstance(error, dict)
    ]
    return "; ".join(lines)[:300]
