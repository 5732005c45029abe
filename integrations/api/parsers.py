"""The strict JSON parser of every API route (RELIABILITY.md, section 4, decision 23)."""

import json
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from integrations.api.errors import BodyTooLargeError, UnsupportedBodyError

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 32
INVALID_FOR_DATABASE = re.compile("[\x00\ud800-\udfff]")


class MalformedJSONError(ValueError):
    """The text is not JSON as we take it; the message says why."""


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJSONError("a key stands twice in one object")
    return found


def _reject_constant(name: str) -> None:
    raise MalformedJSONError(f"{name} is not JSON")


def _parse_finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise MalformedJSONError(f"the number {text[:20]} is out of range")
    return number


def _check_values(value: Any) -> None:
    """Depth and characters of everything in a parsed value, without recursion."""
    level, rest = 1, [value]
    while rest:
        if level > MAX_DEPTH:
            raise MalformedJSONError(f"nested deeper than {MAX_DEPTH} levels")
        below: list[Any] = []
        for item in rest:
            if isinstance(item, str) and INVALID_FOR_DATABASE.search(item):
                raise MalformedJSONError("a text holds NUL or half a surrogate pair")
            if isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        rest, level = below, level + 1


def parse_json(body: bytes) -> Any:
    """Parse UTF-8 JSON. Raises MalformedJSONError for what RFC 8259 forbids or a database cannot keep."""
    try:
        parsed = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_build_object,
            parse_constant=_reject_constant,
            parse_float=_parse_finite,
        )
    except UnicodeDecodeError:
        raise MalformedJSONError("the body is not UTF-8") from None
    except RecursionError:
        raise MalformedJSONError(f"nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise MalformedJSONError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise MalformedJSONError(
            str(error) if isinstance(error, MalformedJSONError) else "a number is too long"
        ) from None
    _check_values(parsed)
    return parsed


class StrictJSONParser(BaseParser):
    """`application/json` in UTF-8, an object at the top; a view that takes more than 64 KB has a subclass for it."""

    media_type = "application/json"
    max_body_bytes = MAX_BODY_BYTES

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        meta = (parser_context or {})["request"].META
        if meta.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
            raise UnsupportedBodyError("Send the body without Content-Encoding.")
        charset = re.search(r"charset\s*=\s*\"?([^\s;\"]+)", media_type or "", re.I)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise UnsupportedBodyError("Send the body as UTF-8.")
        too_large = BodyTooLargeError(f"The body may have {self.max_body_bytes} bytes at most.")
        if int(meta.get("CONTENT_LENGTH") or 0) > self.max_body_bytes:
            raise too_large
        body = stream.read(self.max_body_bytes + 1)
        if len(body) > self.max_body_bytes:
            raise too_large
        try:
            parsed = parse_json(body)
        except MalformedJSONError as error:
            raise ParseError(f"The body is not JSON as we take it: {error}.") from None
        if not isinstance(parsed, dict):
            raise ParseError("The body must be a JSON object.")
        return parsed


class MergePatchParser(StrictJSONParser):
    media_type = "application/merge-patch+json"
