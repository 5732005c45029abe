"""Validators of the portal's responses: packages, tokens, inline orders and errors."""

from collections.abc import Iterable, Iterator
from typing import Any

from integrations.simulator.wire.checks import find_duplicates, is_web_url


def check_package_list(listing: Any, supported: Iterable[str]) -> list[str]:
    if not isinstance(listing, list):
        return ["the packages are not an array"]
    if not listing:
        return ["an empty array; without packages the response must be 204"]
    types = [*supported]
    problems: list[str] = []
    for place, each in enumerate(listing):
        problems += _find_package_problems(each, types, f"{place}.")
    return [*problems, *find_duplicates(listing, "packages", "id")]


def check_package(package: Any, supported: Iterable[str]) -> list[str]:
    return [*_find_package_problems(package, [*supported], "")]


def _find_package_problems(package: Any, types: list[str], prefix: str) -> Iterator[str]:
    keys = {"id", "type", "name", "description", "assessments"}
    if not isinstance(package, dict) or package.keys() != keys:
        yield f"{prefix}package must have exactly {', '.join(sorted(keys))}"
        return
    yield from _find_entry_problems(package, types, prefix)
    assessments = package["assessments"]
    if not isinstance(assessments, list):
        yield f"{prefix}assessments is not a list"
        return
    for place, each in enumerate(assessments):
        below = f"{prefix}assessments.{place}."
        if not isinstance(each, dict) or each.keys() | {"name"} != {"id", "type", "name", "description"}:
            yield f"{below[:-1]} must have exactly id, type, name and description"
        else:
            yield from _find_entry_problems(each, types, below)
    yield from find_duplicates(assessments, f"{prefix}assessments", "id")


def _find_entry_problems(entry: dict[str, Any], types: list[str], prefix: str) -> Iterator[str]:
    for key in ("id", "name", "description"):
        if key in entry and not isinstance(entry[key], str):
            yield f"{prefix}{key} is not a string"
    if not entry["id"]:
        yield f"{prefix}id is empty"
    if entry["type"] not in types:
        yield f"{prefix}type {entry['type']!r} is not one of the published types"


def check_token(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return ["the token response is not an object"]
    problems = []
    if not isinstance(body.get("access_token"), str) or not body["access_token"]:
        problems.append("access_token is missing")
    if str(body.get("token_type", "")).lower() != "bearer":
        problems.append("token_type is not Bearer")
    if type(body.get("expires_in")) is not int or body["expires_in"] <= 0:
        problems.append("expires_in is not a number of seconds")
    return problems


def check_inline_body(body: Any) -> list[str]:
    if not isinstance(body, dict) or body.keys() != {"url"} or not is_web_url(body["url"]):
        return ["the response to an inline order must be an object with exactly url, a web URL"]
    return []


def check_error_body(body: Any) -> list[str]:
    errors = body.get("errors") if isinstance(body, dict) else None
    is_valid = isinstance(errors, list) and all(
        isinstance(each, dict) and {"code", "message"} <= each.keys() for each in errors
    )
    return [] if errors and is_valid else ["the error response must have a list errors, each with code and message"]
