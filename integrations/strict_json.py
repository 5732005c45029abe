"""Strict JSON parsing: refuses what RFC 8259 forbids, and text that a database cannot store."""

import json
import re
from typing import Any

MAX_DEPTH = 32
INVALID_FOR_DATABASE = re.compile("[\x00\ud800-\udfff]")


class MalformedJSONError(ValueError):
    """The text is not acceptable JSON; the message says why."""


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON that must be strict throughout. Raises MalformedJSONError."""
    try:
        parsed = load_json(body.decode("utf-8"), object_pairs_hook=_build_object)
    except UnicodeDecodeError:
        raise MalformedJSONError("the body is not UTF-8") from None
    _check_values(parsed)
    return parsed


def load_json(text: str, **hooks: Any) -> Any:
    """Parse JSON with finite numbers; repeated keys and unstorable text are accepted. Raises MalformedJSONError."""
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


def replace_invalid(value: Any) -> Any:
    """Return the same value with U+FFFD for NUL and lone surrogates, in keys too."""
    if isinstance(value, str):
        return INVALID_FOR_DATABASE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [replace_invalid(item) for item in value]
    if isinstance(value, dict):
        return {replace_invalid(key): replace_invalid(item) for key, item in value.items()}
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


def _check_values(value: Any) -> None:
    """Check the depth and the characters of a parsed value, without recursion."""
    depth, level = 1, [value]
    while level:
        if depth > MAX_DEPTH:
            raise MalformedJSONError(f"nested deeper than {MAX_DEPTH} levels")
        below: list[Any] = []
        for item in level:
            if isinstance(item, str) and INVALID_FOR_DATABASE.search(item):
                raise MalformedJSONError("a text contains NUL or a lone surrogate")
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        level, depth = below, depth + 1
