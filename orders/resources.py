"""Normalisation of candidates, jobs and hiring teams from SmartRecruiters: a few fields, in snake_case."""

from collections.abc import Callable, Mapping
from typing import Any

Content = dict[str, Any]
MAX_TEXT = 500
MAX_MEMBERS = 200

LOCATION_KEYS = {"country": "country", "countryCode": "country_code", "region": "region", "regionCode": "region_code"}
LOCATION_KEYS |= {"city": "city", "remote": "remote"}
CANDIDATE_KEYS = {"id": "id", "firstName": "first_name", "lastName": "last_name", "email": "email"}
CANDIDATE_KEYS |= {"phoneNumber": "phone_number"}
JOB_KEYS = {"id": "id", "title": "title", "refNumber": "ref_number", "status": "status"}


def _pick_keys(sent: Any, names: Mapping[str, str]) -> Content:
    """Return the texts, integers and flags under their new names. Values of other types are dropped."""
    if not isinstance(sent, Mapping):
        return {}
    picked: Content = {}
    for name, new_name in names.items():
        value = sent.get(name)
        if isinstance(value, str):
            picked[new_name] = value[:MAX_TEXT].replace("\0", "")
        elif isinstance(value, bool | int):
            picked[new_name] = value
    return picked


def normalize_candidate(sent: Content) -> Content:
    return _pick_keys(sent, CANDIDATE_KEYS) | {"location": _pick_keys(sent.get("location"), LOCATION_KEYS)}


def normalize_job(sent: Content) -> Content:
    return _pick_keys(sent, JOB_KEYS) | {
        "company": _pick_keys(sent.get("company"), {"identifier": "id", "id": "id", "name": "name"}),
        "department": _pick_keys(sent.get("department"), {"id": "id", "label": "label"}),
        "location": _pick_keys(sent.get("location"), LOCATION_KEYS),
    }


def normalize_hiring_team(sent: Content) -> Content:
    content = sent.get("content")
    members = [_pick_keys(each, {"id": "id", "role": "role"}) for each in content] if isinstance(content, list) else []
    return {"total_found": len(members), "content": members[:MAX_MEMBERS]}


NORMALIZERS: Mapping[str, Callable[[Content], Content]] = {
    "candidate": normalize_candidate,
    "job": normalize_job,
    "hiring_team": normalize_hiring_team,
}
