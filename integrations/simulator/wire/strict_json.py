"""JSON as a strict reader takes it: no key twice, no NaN, UTF-8."""

import json
from typing import Any


class InvalidJsonError(Exception):
    """The body is no JSON, or says one key twice."""


def parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_reject_duplicate_keys, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as broken:
        raise InvalidJsonError(f"the body is not JSON: {broken}") from None


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the key {key!r} is there twice")
    return dict(pairs)


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
