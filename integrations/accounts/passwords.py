"""Password policy: new passwords must be hard to guess, also with knowledge of the person and this portal."""

import re
from collections.abc import Iterator
from threading import Lock
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import translation
from django.utils.dates import MONTHS, WEEKDAYS
from zxcvbn import zxcvbn

from integrations.models import Customer, User

MIN_GUESSES = 10**9  # passes four random words and nine random characters, and no name with a year
MAX_LENGTH = 72  # zxcvbn's limit: what follows makes a password stronger, never weaker
TOO_EASY = (
    "This password is too easy to guess. Use four or more words that do not belong together, or let a password manager "
    "choose it."
)
SEASONS = ("spring", "summer", "autumn", "fall", "winter", "fruehling", "frühling", "sommer", "herbst")
WORD, SIGNS = re.compile(r"[^\W_]{3,}"), re.compile(r"[\W_]+")
MIN_JUDGED_LENGTH = 10
_lock = Lock()


class GuessableValidator:
    """Password validator that refuses common passwords, and those made of patterns or of words of context."""

    def validate(self, password: str, user: User | None = None) -> None:
        if estimate_guesses(password, [*list_context_words(user)]) < MIN_GUESSES:
            raise ValidationError(TOO_EASY, code="password_too_easy")

    def get_help_text(self) -> str:
        return "Your password must be hard to guess."


def estimate_guesses(password: str, context_words: list[str]) -> float:
    """Return the number of guesses that find the password, trying common ones and the words first.

    Signs between words are left out if the rest is long enough to be judged: zxcvbn takes them for random.
    """
    spellings = {password[:MAX_LENGTH]}
    if len(letters := SIGNS.sub("", password)) >= MIN_JUDGED_LENGTH:
        spellings.add(letters[:MAX_LENGTH])
    with _lock:  # zxcvbn keeps the words in a global dictionary
        return min(float(zxcvbn(each, context_words, max_length=MAX_LENGTH)["guesses"]) for each in spellings)


def list_context_words(user: User | None) -> Iterator[str]:
    """Yield the words that a guesser would try: of brand and product, organisation and person, and of the calendar."""
    texts = [settings.BRAND_NAME, "SmartRecruiters", "Partnerside", urlsplit(settings.PUBLIC_URL).hostname or ""]
    if user is not None:
        of_person = Q(people__email=user.email) | Q(invitations__email=user.email)
        names = Customer.objects.filter(of_person).values_list("name", flat=True).distinct()
        texts += [user.email, user.name, *names]
    for text in texts:
        words = WORD.findall(text.lower())
        yield from {*words, "".join(words)}
    yield from SEASONS
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            yield from (str(name).lower() for name in (*MONTHS.values(), *WEEKDAYS.values()))
