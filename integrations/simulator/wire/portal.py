"""What the portal answers: packages, tokens, inline orders, errors."""

from collections.abc import Iterable, Iterator
from typing import Any

from integrations.simulator.wire.words import find_duplicates, is_web_url


def check_package_list(listing: Any, supported: Iterable[str]) -> list[str]:
    if not isinstance(listing, list):
        return ["the packages are not a plain array"]
    if not listing:
        return ["an empty array: no packages is 204"]
    types = [*supported]
    problems = [
        problem for place, each in enumerate(listing) for problem in _find_package_problems(each, types, f"{place}.")
    ]
    return [
        *problems,
        *find_duplicates((each.get("id") for each in listing if isinstance(each, dict)), "packages", "id"),
    ]


def check_package(package: Any, supported: Iterable[str]) -> list[str]:
    return [*_find_package_problems(package, [*supported], "")]


def _find_package_problems(package: Any, types: list[str], prefix: str) -> Iterator[str]:
    keys = {"id", "type", "name", "description", "assessments"}
    if not isinstance(package, dict) or package.keys() != keys:
        yield f"{prefix}package has not exactly {', '.join(sorted(keys))}"
        return
    yield from _find_entry_problems(package, types, prefix)
    assessments = package["assessments"]
    if not isinstance(assessments, list):
        yield f"{prefix}assessments is not a list"
        return
    for place, each in enumerate(assessments):
        below = f"{prefix}assessments.{place}."
        if not isinstance(each, dict) or each.keys() | {"name"} != {"id", "type", "name", "description"}:
            yield f"{below[:-1]} has not exactly id, type, name and description"
        else:
            yield from _find_entry_problems(each, types, below)
    yield from find_duplicates(
        (each.get("id") for each in assessments if isinstance(each, dict)), f"{prefix}assessments", "id"
    )


def _find_entry_problems(entry: dict[str, Any], types: list[str], prefix: str) -> Iterator[str]:
    for key in ("id", "name", "description"):
        if key in entry and not isinstance(entry[key], str):
            yield f"{prefix}{key} is not a text"
    if not entry["id"]:
        yield f"{prefix}id is empty"
    if entry["type"] not in types:
        yield f"{prefix}type {entry['type']!r} is not one of the published types"


def check_token(answer: Any) -> list[str]:
    if not isinstance(answer, dict):
        return ["the token's answer is not an object"]
    problems = []
    if not isinstance(answer.get("access_token"), str) or not answer["access_token"]:
        problems.append("access_token is missing")
    if str(answer.get("token_type", "")).lower() != "bearer":
        problems.append("token_type is not Bearer")
    if type(answer.get("expires_in")) is not int or answer["expires_in"] <= 0:
        problems.append("expires_in is not a number of seconds")
    return problems


def check_inline_answer(answer: Any) -> list[str]:
    if not isinstance(answer, dict) or answer.keys() != {"url"} or not is_web_url(answer["url"]):
        return ["an inline order is answered by an object with a web URL under url, and nothing else"]
    return []


def check_error_body(answer: Any) -> list[str]:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    good = isinstance(errors, list) and all(
        isinstance(each, dict) and {"code", "message"} <= each.keys() for each in errors
    )
    return [] if errors and good else ["an error is answered without errors, each with code and message"]
