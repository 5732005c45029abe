"""Fetching packages from the portal."""

import json
import time
from typing import Any

from integrations.simulator.consent import add_query
from integrations.simulator.partner.http_client import Reply, build_url, get_published_url, record_breach
from integrations.simulator.partner.tokens import call_portal
from integrations.simulator.store.entities import ASSESSMENT_TYPES
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.portal import check_package, check_package_list

_FRESH_SECONDS = 10.0


def fetch_packages(
    company: str, *, requester: str | None = None, location: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> Reply:  # fmt: skip
    """Fetch the packages for this requester; 204 becomes []. A response that breaks the protocol is a breach."""
    query = {**{key: value for key, value in (location or {}).items() if value}, **(fields or {})}
    url = add_query(get_published_url("assessmentPackageListUrl"), query)
    reply = call_portal(company, "packages", "GET", url, headers=_build_requester_header(requester))
    if reply.status == 204:
        if reply.body is not None:
            record_breach("portal's packages", ["204 with a body"], company, "packages")
        return Reply(204, reply.seconds, [])
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else check_package_list(reply.body, _get_supported_types())
        record_breach("portal's packages", problems, company, "packages")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        for each in reply.body:
            _remember_package(company, each)
    return reply


def fetch_package(company: str, package_id: str) -> Reply:
    reply = call_portal(company, "package", "GET", build_url("singleAssessmentPackageUrl", package_id))
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else check_package(reply.body, _get_supported_types())
        if not problems and reply.body["id"] != package_id:
            problems = [f"requested {package_id}, received {reply.body['id']}"]
        record_breach("portal's package", problems, company, "package")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        _remember_package(company, reply.body)
    return reply


def _get_supported_types() -> list[str]:
    types: list[str] = (state.configuration or {}).get("supportedAssessmentTypes", [*ASSESSMENT_TYPES])
    return types


def _build_requester_header(email: str | None) -> dict[str, str]:
    if not email:
        return {}
    spelling = {"json": json.dumps({"email": email}), "pairs": f"email,{email}", "bare": email}
    return {"requester": spelling[state.settings.requester_encoding]}


_seen_at: dict[tuple[str, str], float] = {}


def _remember_package(company: str, entry: dict[str, Any]) -> None:
    _seen_at[company, entry["id"]] = time.monotonic()
    if state.packages.get(company, {}).get(entry["id"]) != entry:
        state.record_event("package_seen", company=company, package=entry)


def get_known_package(company: str, package_id: str) -> dict[str, Any]:
    """Return the package, fetched again unless it is recent; just its id if the portal does not know it.

    Unknown packages can be ordered, too: the portal must refuse them.
    """
    if time.monotonic() - _seen_at.get((company, package_id), -1e9) > _FRESH_SECONDS:
        fetch_package(company, package_id)
    return state.packages.get(company, {}).get(package_id, {"id": package_id})
