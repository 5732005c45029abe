"""The words of a person's searches: candidates' names, so they stand in no address, but sealed in his session."""

from django.http import HttpRequest

from integrations.encryption import DecryptionError, seal, unseal

SESSION_KEY = "order_searches"
OWNER = "search for orders"
MAX_STORED = 20
MAX_LENGTH = 200


def store_terms(request: HttpRequest, terms: str) -> str:
    """A number that stands for these words in an address of this session; empty for none."""
    terms = terms.strip()[:MAX_LENGTH]
    if not terms:
        return ""
    kept: dict[str, str] = request.session.get(SESSION_KEY, {})
    number = str(max(map(int, kept), default=0) + 1)
    newest = list(kept.items())[1 - MAX_STORED :]
    request.session[SESSION_KEY] = {**dict(newest), number: seal(terms, owner=OWNER)}
    return number


def load_terms(request: HttpRequest, number: str) -> str:
    """Empty where this session knows no such search, any more."""
    sealed = request.session.get(SESSION_KEY, {}).get(number, "")
    try:
        return unseal(sealed, owner=OWNER) if sealed else ""
    except DecryptionError:
        return ""
