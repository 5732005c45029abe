"""The words of a person's searches: candidates' names, so they stand in no address, but sealed in his session."""

from django.http import HttpRequest

from integrations.encryption import Unreadable, seal, unseal

SESSION_KEY = "order_searches"
OWNER = "search for orders"
REMEMBERED = 20
LONGEST = 200


def remember(request: HttpRequest, words: str) -> str:
    """A number that stands for these words in an address of this session; empty for none."""
    words = words.strip()[:LONGEST]
    if not words:
        return ""
    kept: dict[str, str] = request.session.get(SESSION_KEY, {})
    number = str(max(map(int, kept), default=0) + 1)
    newest = list(kept.items())[1 - REMEMBERED :]
    request.session[SESSION_KEY] = {**dict(newest), number: seal(words, owner=OWNER)}
    return number


def words_of(request: HttpRequest, number: str) -> str:
    """Empty where this session knows no such search, any more."""
    sealed = request.session.get(SESSION_KEY, {}).get(number, "")
    try:
        return unseal(sealed, owner=OWNER) if sealed else ""
    except Unreadable:
        return ""
