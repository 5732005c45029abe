"""The list of packages as somebody sees it, and one package."""

import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from integrations.simulator.entities import ASSESSMENT_TYPES
from integrations.simulator.partner.http_client import Reply, breach, fill, published
from integrations.simulator.partner.tokens import call
from integrations.simulator.runtime import world
from integrations.simulator.wire.portal import check_package, check_package_list

_FRESH_SECONDS = 10.0


def packages(
    company: str, *, requester: str | None = None, location: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> Reply:  # fmt: skip
    """The list as this requester sees it; [] for none. Whatever SmartRecruiters could not use is a breach."""
    query = {**{key: value for key, value in (location or {}).items() if value}, **(fields or {})}
    url = _with_query(published("assessmentPackageListUrl"), query)
    reply = call(company, "packages", "GET", url, headers=_requester_header(requester))
    if reply.status == 204:
        if reply.body is not None:
            breach("portal's packages", ["204 with a body"], company, "packages")
        return Reply(204, reply.seconds, [])
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else check_package_list(reply.body, _supported())
        breach("portal's packages", problems, company, "packages")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        for each in reply.body:
            _see(company, each)
    return reply


def package(company: str, package_id: str) -> Reply:
    reply = call(company, "package", "GET", fill("singleAssessmentPackageUrl", package_id))
    if reply.status == 200:
        problems = [reply.problem] if reply.problem else check_package(reply.body, _supported())
        if not problems and reply.body["id"] != package_id:
            problems = [f"asked for {package_id}, answered {reply.body['id']}"]
        breach("portal's package", problems, company, "package")
        if problems:
            return Reply(200, reply.seconds, reply.body, "; ".join(problems))
        _see(company, reply.body)
    return reply


def _supported() -> list[str]:
    types: list[str] = (world.configuration or {}).get("supportedAssessmentTypes", [*ASSESSMENT_TYPES])
    return types


def _with_query(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return urlunsplit(parts._replace(query=joined))


def _requester_header(email: str | None) -> dict[str, str]:
    if not email:
        return {}
    spelling = {"json": json.dumps({"email": email}), "pairs": f"email,{email}", "bare": email}
    return {"requester": spelling[world.settings.requester_encoding]}


_seen: dict[tuple[str, str], float] = {}


def _see(company: str, entry: dict[str, Any]) -> None:
    _seen[company, entry["id"]] = time.monotonic()
    if world.packages.get(company, {}).get(entry["id"]) != entry:
        world.record("package_seen", company=company, package=entry)


def known_package(company: str, package_id: str) -> dict[str, Any]:
    """The package as last seen, looked up again unless that was just now. Unknown ones are ordered all the same."""
    if time.monotonic() - _seen.get((company, package_id), -1e9) > _FRESH_SECONDS:
        package(company, package_id)
    return world.packages.get(company, {}).get(package_id, {"id": package_id})
