"""What may stand on the wire, as PROTOCOL has it. Every check answers with sentences; no sentence, no breach."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from integrations.simulator.entities import ASSESSMENT_TYPES, STATUSES

REQUIRED_URLS = ("consentUrl", "assessmentPackageListUrl", "singleAssessmentPackageUrl", "oauthTokenUrl")
OPTIONAL_URLS = ("packageOrderUrl", "inlineAssessmentPackageOrderUrl", "integrationDisableUrl")
PLACEHOLDERS = {"singleAssessmentPackageUrl": "{assessmentPackageId}", "integrationDisableUrl": "{companyId}"}
LOCATION_KEYS = ("country-code", "region-abbr", "city", "address", "postal-code", "remote")
ATTACHMENT_TYPES = ("VIDEO_URL", "PDF_URL", "OTHER_URL")
_CONFIGURATION_KEYS = {
    *REQUIRED_URLS,
    *OPTIONAL_URLS,
    "consentDisplayMode",
    "supportedAssessmentTypes",
    "fields",
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_FIELD_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_TEXT = ("name", "summary", "scoreLabel")
_SHARED_KEYS = {*_TEXT, "status", "submissionDate", "score", "attachments"}
_PACKAGE_LEVEL = {*_SHARED_KEYS, "assessmentPackageDate", "assessmentResults"}
_ASSESSMENT_LEVEL = {*_SHARED_KEYS, "assessmentId", "assessmentDate"}


class NotJson(Exception):
    """The body is no JSON, or says one key twice."""


def parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as broken:
        raise NotJson(f"the body is not JSON: {broken}") from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the key {key!r} is there twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# The partner configuration


def check_configuration(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["the configuration is not an object"]
    return [*_configuration_problems(document)]


def _configuration_problems(document: dict[str, Any]) -> Iterator[str]:
    for key in sorted({*REQUIRED_URLS, "consentDisplayMode", "supportedAssessmentTypes"} - document.keys()):
        yield f"{key} is missing"
    yield from _unknown_keys(document, _CONFIGURATION_KEYS, "")
    for key in (*REQUIRED_URLS, *OPTIONAL_URLS):
        if key in document:
            yield from _url_problems(document[key], key, PLACEHOLDERS.get(key))
    if document.get("consentDisplayMode", "REDIRECT") not in ("REDIRECT", "POPUP"):
        yield "consentDisplayMode is neither REDIRECT nor POPUP"
    if "supportedAssessmentTypes" in document:
        yield from _type_list_problems(document["supportedAssessmentTypes"])
    if "fields" in document:
        yield from _field_problems(document["fields"])


def _url_problems(value: Any, where: str, placeholder: str | None = None) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"{where} is not a text"
        return
    bare = value.replace(placeholder, "id", 1) if placeholder else value
    if not is_web_url(bare):
        yield f"{where} is not an absolute web URL"


def is_web_url(value: Any) -> bool:
    if not isinstance(value, str) or re.search(r"[\s\\{}<>\"^`|]", value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _type_list_problems(types: Any) -> Iterator[str]:
    if not isinstance(types, list) or not 1 <= len(types) <= len(ASSESSMENT_TYPES):
        yield "supportedAssessmentTypes is not a list of 1 to 6"
        return
    for each in types:
        if each not in ASSESSMENT_TYPES:
            yield f"supportedAssessmentTypes: {each!r} is not one of the six types"
    if len({str(each) for each in types}) != len(types):
        yield "supportedAssessmentTypes names a type twice"


def _field_problems(fields: Any) -> Iterator[str]:
    if not isinstance(fields, list) or len(fields) > 5:
        yield "fields is not a list of at most 5"
        return
    for place, each in enumerate(fields):
        if not isinstance(each, dict) or each.keys() != {"id", "name", "description"}:
            yield f"fields.{place} has not exactly id, name and description"
            continue
        if not all(isinstance(value, str) and value for value in each.values()):
            yield f"fields.{place}: id, name and description are texts"
        elif not _FIELD_ID.fullmatch(each["id"]) or each["id"] in LOCATION_KEYS:
            yield f"fields.{place}.id {each['id']!r} cannot be a query parameter of its own"
    yield from _doubled((each.get("id") for each in fields if isinstance(each, dict)), "fields", "id")


# The exchange of credentials


def check_credentials(body: Any) -> list[str]:
    if not isinstance(body, dict) or body.keys() != {"clientId", "clientSecret"}:
        return ["the body has not exactly clientId and clientSecret"]
    return [
        f"{key} is not a text of 1 to 255 characters"
        for key in ("clientId", "clientSecret")
        if not isinstance(body[key], str) or not 0 < len(body[key]) <= 255
    ]


# Results


def check_result(patch: Any, assessments: tuple[str, ...] | None) -> list[str]:
    """A merge patch of a package's result; `assessments` are the ids of the package, None if nobody knows."""
    if not isinstance(patch, dict):
        return ["the result is not an object"]
    return [*_level_problems(patch, _PACKAGE_LEVEL, ""), *_assessment_results(patch, assessments)]


def _level_problems(level: dict[str, Any], known: set[str], at: str) -> Iterator[str]:
    yield from _unknown_keys(level, known, at)
    for key, value in level.items():
        if key == "status":
            if value not in STATUSES:
                yield f"{at}status {value!r} is not one of {', '.join(STATUSES)}"
        elif value is None or key not in known:
            continue
        elif key in _TEXT and not isinstance(value, str):
            yield f"{at}{key} is not a text"
        elif key.endswith("Date") and not _is_date(value):
            yield f"{at}{key} {value!r} is not like 2020-08-28T20:36:28.618Z"
        elif key == "score":
            yield from _score_problems(value, at)
        elif key == "attachments":
            yield from _attachment_problems(value, at)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _score_problems(score: Any, at: str) -> Iterator[str]:
    if not isinstance(score, dict) or score.keys() != {"raw", "min", "max"}:
        yield f"{at}score has not exactly raw, min and max"
    elif not all(type(score[key]) is int for key in score):
        yield f"{at}score {score} is not made of integers"
    elif not score["min"] < score["max"] or not score["min"] <= score["raw"] <= score["max"]:
        yield f"{at}score {score} is not min <= raw <= max with min < max"


def _attachment_problems(attachments: Any, at: str) -> Iterator[str]:
    if not isinstance(attachments, list):
        yield f"{at}attachments is not a list"
        return
    for place, each in enumerate(attachments):
        if not isinstance(each, dict) or each.keys() != {"type", "url"}:
            yield f"{at}attachments.{place} has not exactly type and url"
            continue
        if each["type"] not in ATTACHMENT_TYPES:
            yield f"{at}attachments.{place}.type {each['type']!r} is not one of {', '.join(ATTACHMENT_TYPES)}"
        if not is_web_url(each["url"]):
            yield f"{at}attachments.{place}.url is not an absolute web URL"
    yield from _doubled((each.get("url") for each in attachments if isinstance(each, dict)), f"{at}attachments", "url")


def _assessment_results(patch: dict[str, Any], assessments: tuple[str, ...] | None) -> Iterator[str]:
    results = patch.get("assessmentResults")
    if results is None:
        return
    if not isinstance(results, list):
        yield "assessmentResults is not a list"
        return
    for place, each in enumerate(results):
        at = f"assessmentResults.{place}."
        if not isinstance(each, dict):
            yield f"{at[:-1]} is not an object"
            continue
        yield from _level_problems(each, _ASSESSMENT_LEVEL, at)
        yield from (f"{at}{key} is null inside an array" for key, value in each.items() if value is None)
        assessment = each.get("assessmentId")
        if not isinstance(assessment, str) or not assessment:
            yield f"{at}assessmentId is missing"
        elif assessments is not None and assessment not in assessments:
            yield f"{at}assessmentId {assessment!r} is not of this package"
    ids = (each.get("assessmentId") for each in results if isinstance(each, dict))
    yield from _doubled(ids, "assessmentResults", "assessmentId")


# What the portal answers


def check_package_list(listing: Any, supported: Iterable[str]) -> list[str]:
    if not isinstance(listing, list):
        return ["the packages are not a plain array"]
    if not listing:
        return ["an empty array: no packages is 204"]
    types = [*supported]
    problems = [
        problem for place, each in enumerate(listing) for problem in _package_problems(each, types, f"{place}.")
    ]
    return [*problems, *_doubled((each.get("id") for each in listing if isinstance(each, dict)), "packages", "id")]


def check_package(package: Any, supported: Iterable[str]) -> list[str]:
    return [*_package_problems(package, [*supported], "")]


def _package_problems(package: Any, types: list[str], at: str) -> Iterator[str]:
    keys = {"id", "type", "name", "description", "assessments"}
    if not isinstance(package, dict) or package.keys() != keys:
        yield f"{at}package has not exactly {', '.join(sorted(keys))}"
        return
    yield from _catalogue_texts(package, types, at)
    assessments = package["assessments"]
    if not isinstance(assessments, list):
        yield f"{at}assessments is not a list"
        return
    for place, each in enumerate(assessments):
        below = f"{at}assessments.{place}."
        if not isinstance(each, dict) or each.keys() | {"name"} != {"id", "type", "name", "description"}:
            yield f"{below[:-1]} has not exactly id, type, name and description"
        else:
            yield from _catalogue_texts(each, types, below)
    yield from _doubled((each.get("id") for each in assessments if isinstance(each, dict)), f"{at}assessments", "id")


def _catalogue_texts(entry: dict[str, Any], types: list[str], at: str) -> Iterator[str]:
    for key in ("id", "name", "description"):
        if key in entry and not isinstance(entry[key], str):
            yield f"{at}{key} is not a text"
    if not entry["id"]:
        yield f"{at}id is empty"
    if entry["type"] not in types:
        yield f"{at}type {entry['type']!r} is not one of the published types"


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


def check_problem(answer: Any) -> list[str]:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    good = isinstance(errors, list) and all(
        isinstance(each, dict) and {"code", "message"} <= each.keys() for each in errors
    )
    return [] if errors and good else ["an error is answered without errors, each with code and message"]


def _unknown_keys(level: dict[str, Any], known: set[str], at: str) -> Iterator[str]:
    for key in level.keys() - known:
        yield f"{at}{key} is not a key SmartRecruiters knows"


def _doubled(values: Iterable[Any], where: str, key: str) -> Iterator[str]:
    seen: set[str] = set()
    for value in values:
        if isinstance(value, str) and value in seen:
            yield f"{where} has the {key} {value!r} twice"
        seen.add(str(value))
