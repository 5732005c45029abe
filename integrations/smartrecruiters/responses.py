"""Validation of SmartRecruiters' responses: an unexpected shape is a failure (tests/reliability/README.md, X6, X7)."""

from integrations.http.client import CallFailedError, Response

MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS, DEFAULT_LIFETIME_SECONDS = 5, 24 * 3600, 300
MAX_SECRET_LENGTH = 4096


def _require_text(response: Response, key: str) -> str:
    value = response.content.get(key) if isinstance(response.content, dict) else None
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= MAX_SECRET_LENGTH
        or not (value.isascii() and value.isprintable())
    ):
        raise CallFailedError(f"the response contains no usable {key}")
    return value


def parse_token(response: Response) -> tuple[str, int]:
    """Return (access token, lifetime in seconds) from the token endpoint's 200. Raises CallFailedError."""
    token = _require_text(response, "access_token")
    life = response.content.get("expires_in")
    if isinstance(life, bool) or not isinstance(life, int) or life <= 0:
        life = DEFAULT_LIFETIME_SECONDS
    return token, max(MIN_LIFETIME_SECONDS, min(life, MAX_LIFETIME_SECONDS))


def parse_credentials(response: Response) -> tuple[str, str]:
    """Return (client id, client secret) from the integration call's 200. Raises CallFailedError."""
    return _require_text(response, "clientId"), _require_text(response, "clientSecret")


def parse_error_message(response: Response) -> str:
    """Return the messages of an error body as `code: message; …`, or "" if it has none."""
    errors = response.content.get("errors") if isinstance(response.content, dict) else None
    if not isinstance(errors, list):
        return ""
    lines = [
        ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
        for error in errors
        if isinstance(error, dict)
    ]
    return "; ".join(lines)[:300]
