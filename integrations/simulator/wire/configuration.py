"""The partner configuration, and the credentials of the exchange."""

import re
from collections.abc import Iterator
from typing import Any

from integrations.simulator.entities import ASSESSMENT_TYPES
from integrations.simulator.wire.words import find_duplicates, find_unknown_keys, is_web_url

REQUIRED_URLS = ("consentUrl", "assessmentPackageListUrl", "singleAssessmentPackageUrl", "oauthTokenUrl")
OPTIONAL_URLS = ("packageOrderUrl", "inlineAssessmentPackageOrderUrl", "integrationDisableUrl")
PLACEHOLDERS = {"singleAssessmentPackageUrl": "{assessmentPackageId}", "integrationDisableUrl": "{companyId}"}
LOCATION_KEYS = ("country-code", "region-abbr", "city", "address", "postal-code", "remote")
_CONFIGURATION_KEYS = {
    *REQUIRED_URLS,
    *OPTIONAL_URLS,
    "consentDisplayMode",
    "supportedAssessmentTypes",
    "fields",
}
_FIELD_ID_PATTERN = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def check_configuration(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["the configuration is not an object"]
    return [*_find_configuration_problems(document)]


def _find_configuration_problems(document: dict[str, Any]) -> Iterator[str]:
    for key in sorted({*REQUIRED_URLS, "consentDisplayMode", "supportedAssessmentTypes"} - document.keys()):
        yield f"{key} is missing"
    yield from find_unknown_keys(document, _CONFIGURATION_KEYS, "")
    for key in (*REQUIRED_URLS, *OPTIONAL_URLS):
        if key in document:
            yield from _find_url_problems(document[key], key, PLACEHOLDERS.get(key))
    if document.get("consentDisplayMode", "REDIRECT") not in ("REDIRECT", "POPUP"):
        yield "consentDisplayMode is neither REDIRECT nor POPUP"
    if "supportedAssessmentTypes" in document:
        yield from _find_type_problems(document["supportedAssessmentTypes"])
    if "fields" in document:
        yield from _find_field_problems(document["fields"])


def _find_url_problems(value: Any, where: str, placeholder: str | None = None) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"{where} is not a text"
        return
    bare = value.replace(placeholder, "id", 1) if placeholder else value
    if not is_web_url(bare):
        yield f"{where} is not an absolute web URL"


def _find_type_problems(types: Any) -> Iterator[str]:
    if not isinstance(types, list) or not 1 <= len(types) <= len(ASSESSMENT_TYPES):
        yield "supportedAssessmentTypes is not a list of 1 to 6"
        return
    for each in types:
        if each not in ASSESSMENT_TYPES:
            yield f"supportedAssessmentTypes: {each!r} is not one of the six types"
    if len({str(each) for each in types}) != len(types):
        yield "supportedAssessmentTypes names a type twice"


def _find_field_problems(fields: Any) -> Iterator[str]:
    if not isinstance(fields, list) or len(fields) > 5:
        yield "fields is not a list of at most 5"
        return
    for place, each in enumerate(fields):
        if not isinstance(each, dict) or each.keys() != {"id", "name", "description"}:
            yield f"fields.{place} has not exactly id, name and description"
            continue
        if not all(isinstance(value, str) and value for value in each.values()):
            yield f"fields.{place}: id, name and description are texts"
        elif not _FIELD_ID_PATTERN.fullmatch(each["id"]) or each["id"] in LOCATION_KEYS:
            yield f"fields.{place}.id {each['id']!r} cannot be a query parameter of its own"
    yield from find_duplicates((each.get("id") for each in fields if isinstance(each, dict)), "fields", "id")


def check_credentials(body: Any) -> list[str]:
    if not isinstance(body, dict) or body.keys() != {"clientId", "clientSecret"}:
        return ["the body has not exactly clientId and clientSecret"]
    return [
        f"{key} is not a text of 1 to 255 characters"
        for key in ("clientId", "clientSecret")
        if not isinstance(body[key], str) or not 0 < len(body[key]) <= 255
    ]
