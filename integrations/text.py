"""Text that people typed and other systems passed on: how it is cleaned for use, and how it is compared.

Control characters, invisible characters and other Unicode forms come from copied addresses and spreadsheets. Nobody
sees them, so they must neither refuse a request nor make two equal texts different.
"""

import json
import re
import unicodedata
from itertools import accumulate

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
CONTROL_EXCEPT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+")
# A display name with an `@` might be the address that is meant.
NAMED_ADDRESS = re.compile(r"\A[^<>@]*<\s*([^<>\s]+)\s*>\Z")
IDEOGRAPHIC_FULL_STOP = "\u3002"  # an input method's dot; NFKC keeps it
DOT_ABOVE = "\u0307"
# Unicode's bidirectional algorithm (UAX 9): an isolate ends at its own end, whatever the text in it opens.
ISOLATE_START, ISOLATE_END = "\u2068", "\u2069"
ISOLATE_STARTS = ("\u2066", "\u2067", ISOLATE_START)
RIGHT_TO_LEFT_CLASSES = frozenset({"R", "AL", "AN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def to_text(value: object) -> str:
    """Return text as it is, "" for None, and the JSON text of any other value."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def replace_control_characters(text: str, *, keep_lines: bool = False) -> str:
    """Replace each run of control characters by a space; with `keep_lines`, line breaks and tabs stay."""
    return (CONTROL_EXCEPT_LINES if keep_lines else CONTROL_CHARACTERS).sub(" ", text)


def remove_invisible(text: str) -> str:
    """Remove characters without a width: zero-width spaces and joiners, marks of direction, soft hyphens."""
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def clean_email(text: str) -> str:
    """Return the bare email address of a text: `Ann <a@b.example>`, `"a@b.example"`, `mailto:a@b.example `.

    Other text stays, without invisible characters. The result is not validated.
    """
    visible = replace_control_characters(remove_invisible(text))
    plain = unicodedata.normalize("NFKC", visible).replace(IDEOGRAPHIC_FULL_STOP, ".")
    address = _unwrap_address(plain.strip())
    if address.lower().startswith("mailto:"):
        address = address[len("mailto:") :].partition("?")[0].strip()
    return address.rstrip(".,;") if "@" in address else address


def _unwrap_address(text: str) -> str:
    """Remove a display name and angle brackets, or quotation marks."""
    if match := NAMED_ADDRESS.fullmatch(text):
        return match[1]
    for quote in ("'", '"'):
        if len(text) > 1 and text[0] == text[-1] == quote:
            return text[1:-1].strip()
    return text


def fold(text: str) -> str:
    """Return the form in which texts are compared: regardless of case, Unicode form and superfluous white space.

    Close to Unicode's NFKC_Casefold. Done here, since databases differ for letters beyond ASCII.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", remove_invisible(text))
        text = unicodedata.normalize("NFKC", text.casefold()).replace(f"i{DOT_ABOVE}", "i")  # of the Turkish İ
    return " ".join(text.casefold().split())


def fold_email(text: str) -> str:
    """Return the form in which email addresses are compared."""
    return fold(clean_email(text))


def isolate_direction(text: str) -> str:
    """Return the text so that it cannot change the direction of a sentence around it, line by line.

    Text that has no right-to-left letters or marks of direction, or is isolated already, is returned as it is.
    """
    if all(unicodedata.bidirectional(each) not in RIGHT_TO_LEFT_CLASSES for each in text) or _is_isolated(text):
        return text
    return "".join(_isolate_line(line) for line in text.splitlines(keepends=True))


def _is_isolated(text: str) -> bool:
    """Return True for one line whose first character starts an isolate that its last character ends."""
    depths = list(accumulate((each in ISOLATE_STARTS) - (each == ISOLATE_END) for each in text))
    is_one_line = len(text.splitlines()) == 1
    return is_one_line and text[0] == ISOLATE_START and depths[-1] == 0 and 0 not in depths[:-1]


def _isolate_line(line: str) -> str:
    kept, depth = [], 0
    content = line.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
    for each in content:
        if each == ISOLATE_END and not depth:
            continue  # it would end the isolate around the line
        depth += (each in ISOLATE_STARTS) - (each == ISOLATE_END)
        kept.append(each)
    return f"{ISOLATE_START}{''.join(kept)}{ISOLATE_END * (depth + 1)}{line[len(content) :]}"
