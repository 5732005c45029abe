"""Companies, their connection, what they see of the portal."""

import re
from typing import Any

from django.http import HttpRequest

from integrations.simulator import consent, sample_data
from integrations.simulator.control_api.decorators import Wrong, control
from integrations.simulator.control_api.serializers import company_view
from integrations.simulator.partner import disable_call
from integrations.simulator.partner import packages as portal_packages
from integrations.simulator.partner.http_client import Reply
from integrations.simulator.runtime import world
from integrations.simulator.wire.configuration import LOCATION_KEYS

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@control("GET", "POST")
def companies(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "GET":
        return [company_view(each) for each in world.companies.values()]
    company = body.get("id")
    if not isinstance(company, str) or not _ID.fullmatch(company):
        raise Wrong(f"{company!r} is no id of a company")
    with world.lock:
        if company not in world.companies:
            world.record("company_added", id=company, name=body.get("name", company))
    return company_view(world.companies[company])


@control("GET")
def one(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return company_view(world.companies[company])


@control("POST")
def grant_consent(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"consent_url": consent.grant(company), "display_mode": consent.display_mode()}


@control("POST")
def disconnect(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": disable_call.disconnect(company)}


@control("POST")
def tell_disabled(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": disable_call.tell_disabled(company)}


@control("POST")
def revoke(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    """The portal's credential dies without a word; the company still looks connected."""
    world.record("revoked", company=company)
    return {}


@control("GET")
def candidates(body: dict[str, Any], request: HttpRequest, company: str) -> list[dict[str, Any]]:
    return [sample_data.candidate(company, number) for number in range(sample_data.CANDIDATES_SHOWN)]


@control("GET")
def packages(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    query = request.GET.dict()
    requester = query.pop("requester", None)
    location = {key: str(query.pop(key)) for key in LOCATION_KEYS if key in query}
    mapped = {key: str(value) for key, value in query.items()}
    reply = portal_packages.packages(company, requester=requester, location=location, fields=mapped)
    return _reply_view(reply, "packages")


@control("GET")
def package(body: dict[str, Any], request: HttpRequest, company: str, package_id: str) -> dict[str, Any]:
    return _reply_view(portal_packages.package(company, package_id), "package")


def _reply_view(reply: Reply, what: str) -> dict[str, Any]:
    return {"status_code": reply.status, "seconds": reply.seconds, "problem": reply.problem, what: reply.body}
