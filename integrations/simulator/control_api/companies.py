"""Companies, their connection, and the packages that the portal offers them."""

import re
from typing import Any

from django.http import HttpRequest

from integrations.simulator import consent
from integrations.simulator.control_api.decorators import InvalidRequestError, control_endpoint
from integrations.simulator.control_api.serializers import serialize_company
from integrations.simulator.partner import disable_call
from integrations.simulator.partner import packages as portal_packages
from integrations.simulator.partner.http_client import Reply
from integrations.simulator.store import sample_data
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.configuration import LOCATION_KEYS

_COMPANY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@control_endpoint("GET", "POST")
def manage_companies(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "GET":
        return [serialize_company(each) for each in state.companies.values()]
    company = body.get("id")
    if not isinstance(company, str) or not _COMPANY_ID.fullmatch(company):
        raise InvalidRequestError(f"{company!r} is not a valid company id")
    with state.lock:
        if company not in state.companies:
            state.record_event("company_added", id=company, name=body.get("name", company))
    return serialize_company(state.companies[company])


@control_endpoint("GET")
def get_company(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return serialize_company(state.companies[company])


@control_endpoint("POST")
def grant_consent(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"consent_url": consent.grant_consent(company), "display_mode": consent.get_display_mode()}


@control_endpoint("POST")
def disconnect_company(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": disable_call.disconnect_company(company)}


@control_endpoint("POST")
def notify_disabled(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": disable_call.notify_disabled(company)}


@control_endpoint("POST")
def revoke_credential(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    """Invalidate the portal's credentials without notifying it; the company still looks connected."""
    state.record_event("revoked", company=company)
    return {}


@control_endpoint("GET")
def list_candidates(body: dict[str, Any], request: HttpRequest, company: str) -> list[dict[str, Any]]:
    return sample_data.build_candidates(company)


@control_endpoint("GET")
def fetch_packages(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    query = request.GET.dict()
    requester = query.pop("requester", None)
    location = {key: str(query.pop(key)) for key in LOCATION_KEYS if key in query}
    fields = {key: str(value) for key, value in query.items()}
    reply = portal_packages.fetch_packages(company, requester=requester, location=location, fields=fields)
    return _serialize_reply(reply, "packages")


@control_endpoint("GET")
def fetch_package(body: dict[str, Any], request: HttpRequest, company: str, package_id: str) -> dict[str, Any]:
    return _serialize_reply(portal_packages.fetch_package(company, package_id), "package")


def _serialize_reply(reply: Reply, body_key: str) -> dict[str, Any]:
    return {"status_code": reply.status, "seconds": reply.seconds, "problem": reply.problem, body_key: reply.body}
