"""Spreadsheet conversions of cells: formulas run, and text like `007`, `1e5` and `1-2` becomes numbers and dates.

A text that they would change is exported with an apostrophe in front, which the import removes.
"""

import re
from collections.abc import Hashable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

# Booleans as spreadsheets in these languages write them: English, German, French, Spanish, Italian, Dutch, Portuguese,
# Polish.
TRUE_WORDS = ("true", "wahr", "vrai", "verdadero", "vero", "waar", "verdadeiro", "prawda")
FALSE_WORDS = ("false", "falsch", "faux", "falso", "onwaar", "fałsz")
BOOLEAN_WORDS = {**dict.fromkeys(TRUE_WORDS, True), **dict.fromkeys(FALSE_WORDS, False)}
MONTH_NAMES = (
    ("jan", "january", "januar"),
    ("feb", "february", "februar"),
    ("mar", "march", "mär", "mrz", "märz"),
    ("apr", "april"),
    ("may", "mai"),
    ("jun", "june", "juni"),
    ("jul", "july", "juli"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("oct", "october", "okt", "oktober"),
    ("nov", "november"),
    ("dec", "december", "dez", "dezember"),
)
MONTHS = {name: number for number, names in enumerate(MONTH_NAMES, start=1) for name in names}
CURRENCIES = ("eur", "usd", "gbp", "chf")
# Words that do not keep a spreadsheet from reading a number, a date, a time or an amount: anywhere, or behind a digit.
LEADING_WORDS = frozenset({*MONTHS, *CURRENCIES})
NUMBER_WORDS = LEADING_WORDS | {"e", "am", "pm", "a", "p", "t", "z"}
FORMULA_STARTS = tuple("=+-@\t\r\n\uff0b\uff0d\uff1d\uff20")
WORD_PATTERN = re.compile(r"[^\W\d_]+")
NUMBER_PATTERN = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?(?:e([+-]?[0-9]{1,3}))?")
PART_PATTERN = re.compile(r"[0-9]+|[a-zä]+")
MAX_NUMBER_LENGTH = 320  # characters: what is longer is text to a spreadsheet
# Excel keeps 15 digits and cuts the others, LibreOffice rounds. Where a number does not fit, Excel shows six digits.
EXACT_DIGITS = (Context(prec=15, rounding=ROUND_DOWN), Context(prec=15, rounding=ROUND_HALF_UP))
SHOWN_DIGITS = Context(prec=6, rounding=ROUND_HALF_UP)
LARGEST_SHOWN_WHOLE = 10**11


def guard_text(text: str) -> str:
    """Prefix an apostrophe if a spreadsheet would run the text or turn it into something else."""
    return f"'{text}" if _needs_guard(text) else text


def unguard_text(text: str) -> str:
    return text[1:] if text.startswith("'") and _needs_guard(text) else text


def _needs_guard(text: str) -> bool:
    # Apostrophes do not count, so that guarded text is guarded once more, and each import removes one.
    bare = text.lstrip("'")
    return bare.startswith(FORMULA_STARTS) or is_convertible(bare)


def is_convertible(text: str) -> bool:
    """Return True for text that spreadsheets may read as a number, date, time or boolean, or write for one."""
    if len(text) > MAX_NUMBER_LENGTH:
        return False
    words = WORD_PATTERN.findall(text.lower())
    if not any("0" <= character <= "9" for character in text):
        return text.strip().lower() in BOOLEAN_WORDS
    starts_with_word = text.lstrip()[:1].isalpha()
    return NUMBER_WORDS.issuperset(words) and not (starts_with_word and words[0] not in LEADING_WORDS)


def parse_value(identifier: str) -> Hashable:
    """Return the number, date or boolean that the id is to a spreadsheet, or None if it is text."""
    text = identifier.lower()
    if len(text) > MAX_NUMBER_LENGTH:
        return None
    if number := NUMBER_PATTERN.fullmatch(text):
        whole, fraction, exponent = number.groups(default="0")
        return Decimal(f"{whole}.{fraction}e{exponent}")
    if text in BOOLEAN_WORDS:
        return str(BOOLEAN_WORDS[text])  # True itself would be equal to 1
    return _parse_date(text)


def _parse_date(text: str) -> Hashable:
    """Return the numbers of a date, sorted: day and month may change places, and the century may be left out."""
    parts = PART_PATTERN.findall(text)
    numbers = [int(part) if part.isdecimal() and len(part) != 3 else MONTHS.get(part, 10_000) for part in parts]
    is_date = len(numbers) in (2, 3) and max(numbers) < 10_000 and "_" not in text
    return tuple(sorted(number % 100 for number in numbers)) if is_date else None


def list_converted_values(identifier: str) -> set[Hashable]:
    """Return the values that a spreadsheet may write instead of the id, none if it keeps the id."""
    value = parse_value(identifier)
    if not isinstance(value, Decimal):
        return set() if value is None else {value}
    contexts = (*EXACT_DIGITS, SHOWN_DIGITS) if value >= LARGEST_SHOWN_WHOLE else EXACT_DIGITS
    return {value, *(context.plus(value) for context in contexts)}
