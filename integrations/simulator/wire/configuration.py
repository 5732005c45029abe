"""Validators of the partner configuration and of the exchanged credentials."""

import re
from collections.abc import Iterator
from typing import Any

from integrations.simulator.store.entities import ASSESSMENT_TYPES
from integrations.simulator.wire.checks import find_duplicates, find_unknown_keys, is_web_url

REQUIRED_URLS = ("consentUrl", "assessmentPackageListUrl", "singleAssessmentPackageUrl", "oauthTokenUrl")
OPTIONAL_URLS = ("packageOrderUrl", "inlineAssessmentPackageOrderUrl", "integrationDisableUrl")
PLACEHOLDERS = {"singleAssessmentPackageUrl": "{assessmentPackageId}", "integrationDisableUrl": "{companyId}"}
LOCATION_KEYS = ("country-code", "region-abbr", "city", "address", "postal-code", "remote")
_REQUIRED_KEYS = {*REQUIRED_URLS, "consentDisplayMode", "supportedAssessmentTypes"}
_CONFIGURATION_KEYS = {*_REQUIRED_KEYS, *OPTIONAL_URLS, "fields"}
_FIELD_ID_PATTERN = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def check_configuration(document: Any) -> list[str]:
    if not isinstance(document, dict):
        return ["the configuration is not an object"]
    return [*_find_configuration_problems(document)]


def _find_configuration_problems(document: dict[str, Any]) -> Iterator[str]:
    for key in sorted(_REQUIRED_KEYS - document.keys()):
        yield f"{key} is missing"
    yield from find_unknown_keys(document, _CONFIGURATION_KEYS, "")
    for key in (*REQUIRED_URLS, *OPTIONAL_URLS):
        if key in document:
            yield from _find_url_problems(document[key], key)
    if document.get("consentDisplayMode", "REDIRECT") not in ("REDIRECT", "POPUP"):
        yield "consentDisplayMode is neither REDIRECT nor POPUP"
    if "supportedAssessmentTypes" in document:
        yield from _find_type_problems(document["supportedAssessmentTypes"])
    if "fields" in document:
        yield from _find_field_problems(document["fields"])


def _find_url_problems(value: Any, key: str) -> Iterator[str]:
    placeholder = PLACEHOLDERS.get(key)
    if not isinstance(value, str) or not value:
        yield f"{key} is not a non-empty string"
    elif not is_web_url(value.replace(placeholder, "id", 1) if placeholder else value):
        yield f"{key} is not an absolute web URL"


def _find_type_problems(types: Any) -> Iterator[str]:
    if not isinstance(types, list) or not 1 <= len(types) <= len(ASSESSMENT_TYPES):
        yield "supportedAssessmentTypes is not a list of 1 to 6 types"
        return
    for each in types:
        if each not in ASSESSMENT_TYPES:
            yield f"supportedAssessmentTypes: {each!r} is not one of the six types"
    if len({str(each) for each in types}) != len(types):
        yield "supportedAssessmentTypes has a duplicate type"


def _find_field_problems(fields: Any) -> Iterator[str]:
    if not isinstance(fields, list) or len(fields) > 5:
        yield "fields is not a list of at most 5"
        return
    for place, each in enumerate(fields):
        if not isinstance(each, dict) or each.keys() != {"id", "name", "description"}:
            yield f"fields.{place} must have exactly id, name and description"
            continue
        if not all(isinstance(value, str) and value for value in each.values()):
            yield f"fields.{place}: id, name and description must be non-empty strings"
        elif not _FIELD_ID_PATTERN.fullmatch(each["id"]) or each["id"] in LOCATION_KEYS:
            yield f"fields.{place}.id {each['id']!r} cannot be used as a query parameter"
    yield from find_duplicates(fields, "fields", "id")


def check_credentials(body: Any) -> list[str]:
    if not isinstance(body, dict) or body.keys() != {"clientId", "clientSecret"}:
        return ["the body must have exactly clientId and clientSecret"]
    return [
        f"{key} is not a string of 1 to 255 characters"
        for key in ("clientId", "clientSecret")
        if not isinstance(body[key], str) or not 0 < len(body[key]) <= 255
    ]
