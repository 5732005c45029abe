"""Strict JSON parser: UTF-8 only, no duplicate keys, no NaN."""

import json
from typing import Any


class InvalidJsonError(Exception):
    """Body that is not strict JSON."""


def parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_reject_duplicate_keys, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError(f"the body is not JSON: {error}") from None


def _reject_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"duplicate key {key!r}")
    return dict(pairs)


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
