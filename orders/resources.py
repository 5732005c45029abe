"""The few fields that we keep of SmartRecruiters' candidates, jobs and hiring teams, in snake_case."""

from collections.abc import Callable, Mapping
from typing import Any

Content = dict[str, Any]
MAX_TEXT = 500
MAX_MEMBERS = 200

PLACE = {"country": "country", "countryCode": "country_code", "region": "region", "regionCode": "region_code"}
PLACE |= {"city": "city", "remote": "remote"}
CANDIDATE = {"id": "id", "firstName": "first_name", "lastName": "last_name", "email": "email"}
CANDIDATE |= {"phoneNumber": "phone_number"}
JOB = {"id": "id", "title": "title", "refNumber": "ref_number", "status": "status"}


def _few(sent: Any, names: Mapping[str, str]) -> Content:
    """Texts, whole numbers and flags of these names; what has another shape is left out."""
    if not isinstance(sent, Mapping):
        return {}
    found: Content = {}
    for name, ours in names.items():
        value = sent.get(name)
        if isinstance(value, str):
            found[ours] = value[:MAX_TEXT].replace("\0", "")
        elif isinstance(value, bool | int):
            found[ours] = value
    return found


def candidate(sent: Content) -> Content:
    return _few(sent, CANDIDATE) | {"location": _few(sent.get("location"), PLACE)}


def job(sent: Content) -> Content:
    return _few(sent, JOB) | {
        "company": _few(sent.get("company"), {"identifier": "id", "id": "id", "name": "name"}),
        "department": _few(sent.get("department"), {"id": "id", "label": "label"}),
        "location": _few(sent.get("location"), PLACE),
    }


def hiring_team(sent: Content) -> Content:
    members = sent.get("content")
    found = [_few(member, {"id": "id", "role": "role"}) for member in members] if isinstance(members, list) else []
    return {"total_found": len(found), "content": found[:MAX_MEMBERS]}


SHORTENED: Mapping[str, Callable[[Content], Content]] = {
    "candidate": candidate,
    "job": job,
    "hiring_team": hiring_team,
}
