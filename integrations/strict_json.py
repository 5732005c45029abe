"""Strict JSON parsing: refuses violations of RFC 8259, and text that a database cannot store."""

import json
import re
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 32
BYTE_ORDER_MARK = "\ufeff"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
INVALID_FOR_DATABASE = re.compile("[\x00\ud800-\udfff]")


class MalformedJSONError(ValueError):
    """The text is not acceptable JSON; the message says why."""


def parse_json(body: bytes, *, replaces_invalid: bool = False) -> Any:
    """Parse UTF-8 JSON that must be strict throughout. Raises MalformedJSONError.

    With `replaces_invalid`, NUL becomes a space and a lone surrogate U+FFFD; else such text is refused.
    """
    try:
        parsed = load_json(body.decode("utf-8"), object_pairs_hook=_build_object)
    except UnicodeDecodeError:
        raise MalformedJSONError("the body is not UTF-8") from None
    _check_depth(parsed)
    if replaces_invalid:
        return replace_invalid(parsed, nul=" ")
    _check_texts(parsed)
    return parsed


def load_json(text: str, **hooks: Any) -> Any:
    """Parse JSON with finite numbers; repeated keys and unstorable text are accepted. Raises MalformedJSONError."""
    text = text.lstrip(BYTE_ORDER_MARK)  # RFC 8259, section 8.1, permits to ignore it
    try:
        return json.loads(text, parse_constant=_reject_constant, parse_float=_parse_finite, **hooks)
    except MalformedJSONError:
        raise
    except RecursionError:
        raise MalformedJSONError(f"nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise MalformedJSONError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise MalformedJSONError("a number is too long") from None


def replace_invalid(value: Any, *, nul: str = REPLACEMENT) -> Any:
    """Return the same value with U+FFFD for lone surrogates and `nul` for NUL, in keys too."""
    if isinstance(value, str):
        return INVALID_FOR_DATABASE.sub(lambda found: nul if found[0] == "\0" else REPLACEMENT, value)
    if isinstance(value, list):
        return [replace_invalid(item, nul=nul) for item in value]
    if isinstance(value, dict):
        return {replace_invalid(key, nul=nul): replace_invalid(item, nul=nul) for key, item in value.items()}
    return value


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise MalformedJSONError("a key occurs twice in one object")
    return built


def _reject_constant(name: str) -> None:
    raise MalformedJSONError(f"{name} is not JSON")


def _parse_finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise MalformedJSONError(f"the number {text[:20]} is out of range")
    return number


def _check_depth(value: Any) -> None:
    if sum(1 for _ in _iterate_levels(value)) > MAX_DEPTH:
        raise MalformedJSONError(f"nested deeper than {MAX_DEPTH} levels")


def _check_texts(value: Any) -> None:
    for level in _iterate_levels(value):
        if any(isinstance(item, str) and INVALID_FOR_DATABASE.search(item) for item in level):
            raise MalformedJSONError("a text contains NUL or a lone surrogate")


def _iterate_levels(value: Any) -> Iterator[list[Any]]:
    """Yield the items of each level of a parsed value, without recursion."""
    level = [value]
    while level:
        yield level
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        level = below
