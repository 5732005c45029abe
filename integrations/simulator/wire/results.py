"""Validator of a result: a merge patch of the package's result and of each assessment's result."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from integrations.simulator.store.entities import STATUSES
from integrations.simulator.wire.checks import find_duplicates, find_unknown_keys, is_web_url

ATTACHMENT_TYPES = ("VIDEO_URL", "PDF_URL", "OTHER_URL")
_DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
_TEXT_KEYS = ("name", "summary", "scoreLabel")
_SHARED_KEYS = {*_TEXT_KEYS, "status", "submissionDate", "score", "attachments"}
_PACKAGE_KEYS = {*_SHARED_KEYS, "assessmentPackageDate", "assessmentResults"}
_ASSESSMENT_KEYS = {*_SHARED_KEYS, "assessmentId", "assessmentDate"}


def check_result(patch: Any, assessments: tuple[str, ...] | None) -> list[str]:
    """Check a merge patch; `assessments` are the ids of the package's assessments, None if they are unknown."""
    if not isinstance(patch, dict):
        return ["the result is not an object"]
    return [*_find_level_problems(patch, _PACKAGE_KEYS, ""), *_find_assessment_problems(patch, assessments)]


def _find_level_problems(level: dict[str, Any], known: set[str], prefix: str) -> Iterator[str]:
    yield from find_unknown_keys(level, known, prefix)
    for key, value in level.items():
        if key == "status":
            if value not in STATUSES:
                yield f"{prefix}status {value!r} is not one of {', '.join(STATUSES)}"
        elif value is None or key not in known:
            continue
        elif key in _TEXT_KEYS and not isinstance(value, str):
            yield f"{prefix}{key} is not a string"
        elif key.endswith("Date") and not _is_date(value):
            yield f"{prefix}{key} {value!r} does not have the form 2020-08-28T20:36:28.618Z"
        elif key == "score":
            yield from _find_score_problems(value, prefix)
        elif key == "attachments":
            yield from _find_attachment_problems(value, prefix)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not _DATE_PATTERN.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _find_score_problems(score: Any, prefix: str) -> Iterator[str]:
    if not isinstance(score, dict) or score.keys() != {"raw", "min", "max"}:
        yield f"{prefix}score must have exactly raw, min and max"
    elif not all(type(score[key]) is int for key in score):
        yield f"{prefix}score {score} has a value that is not an integer"
    elif not score["min"] < score["max"] or not score["min"] <= score["raw"] <= score["max"]:
        yield f"{prefix}score {score} must satisfy min <= raw <= max and min < max"


def _find_attachment_problems(attachments: Any, prefix: str) -> Iterator[str]:
    if not isinstance(attachments, list):
        yield f"{prefix}attachments is not a list"
        return
    for place, each in enumerate(attachments):
        if not isinstance(each, dict) or each.keys() != {"type", "url"}:
            yield f"{prefix}attachments.{place} must have exactly type and url"
            continue
        if each["type"] not in ATTACHMENT_TYPES:
            yield f"{prefix}attachments.{place}.type {each['type']!r} is not one of {', '.join(ATTACHMENT_TYPES)}"
        if not is_web_url(each["url"]):
            yield f"{prefix}attachments.{place}.url is not an absolute web URL"
    yield from find_duplicates(attachments, f"{prefix}attachments", "url")


def _find_assessment_problems(patch: dict[str, Any], assessments: tuple[str, ...] | None) -> Iterator[str]:
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
        yield from _find_level_problems(each, _ASSESSMENT_KEYS, at)
        yield from (f"{at}{key} is null inside an array" for key, value in each.items() if value is None)
        assessment = each.get("assessmentId")
        if not isinstance(assessment, str) or not assessment:
            yield f"{at}assessmentId is missing"
        elif assessments is not None and assessment not in assessments:
            yield f"{at}assessmentId {assessment!r} does not belong to this package"
    yield from find_duplicates(results, "assessmentResults", "assessmentId")
