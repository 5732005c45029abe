"""Search terms in the session, encrypted, since they are candidates' names and must not appear in a URL."""

from django.http import HttpRequest

from integrations.encryption import DecryptionError, seal, unseal

SESSION_KEY = "order_searches"
OWNER = "search for orders"
MAX_STORED = 20
MAX_LENGTH = 200


def store_terms(request: HttpRequest, terms: str) -> str:
    """Store the terms and return a number for them, for URLs of this session; "" without terms."""
    terms = terms.strip()[:MAX_LENGTH]
    if not terms:
        return ""
    stored: dict[str, str] = request.session.get(SESSION_KEY, {})
    number = str(max(map(int, stored), default=0) + 1)
    newest = list(stored.items())[1 - MAX_STORED :]
    request.session[SESSION_KEY] = {**dict(newest), number: seal(terms, owner=OWNER)}
    return number


def load_terms(request: HttpRequest, number: str) -> str:
    """Return the terms, or "" if this session does not have them any more."""
    sealed = request.session.get(SESSION_KEY, {}).get(number, "")
    try:
        return unseal(sealed, owner=OWNER) if sealed else ""
    except DecryptionError:
        return ""
