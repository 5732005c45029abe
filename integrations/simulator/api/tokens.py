"""OAuth token endpoint: POST /identity/oauth/token."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse

from integrations.simulator.endpoint import ApiError, Call, Caller, api_endpoint
from integrations.simulator.faults import build_error
from integrations.simulator.store.runtime import state
from integrations.simulator.store.state import hash_secret


def _parse_form(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True)
    except ValueError:
        return []


def _identify_by_form(request: HttpRequest) -> Caller:
    client_id = dict(_parse_form(request)).get("client_id")
    company = state.find_company(client_id)
    is_known = company is not None or client_id == state.master_pair.client_id
    return Caller(client_id if is_known else None, company)


@api_endpoint("token", "POST", scope=None, get_caller=_identify_by_form)
def issue_token(call: Call) -> HttpResponse:
    if call.request.content_type != "application/x-www-form-urlencoded":
        message = "the content type must be application/x-www-form-urlencoded"
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message, breach="token not asked by form")
    pairs = _parse_form(call.request)
    form = dict(pairs)
    if len(pairs) != 3 or form.keys() != {"grant_type", "client_id", "client_secret"}:
        message = f"the form has {sorted(form)}, not exactly grant_type, client_id and client_secret"
        raise ApiError(400, "INVALID_REQUEST", message, breach="token call with another form")
    if form["grant_type"] != "client_credentials":
        raise ApiError(400, "UNSUPPORTED_GRANT_TYPE", "not client_credentials", breach="token call with another grant")
    if not _is_valid_client(form["client_id"], form["client_secret"]):
        return build_error(401, "INVALID_CLIENT", "unknown client or wrong secret", error="invalid_client")
    return JsonResponse(_create_token(form["client_id"]), headers={"Cache-Control": "no-store"})


def _is_valid_client(client_id: str, client_secret: str) -> bool:
    if client_id == state.master_pair.client_id:
        return secrets.compare_digest(client_secret.encode(), state.master_pair.client_secret.encode())
    company = state.find_company(client_id)
    pair = state.companies[company].own_pair if company else None
    return pair is not None and secrets.compare_digest(client_secret.encode(), pair.client_secret.encode())


def _create_token(client_id: str) -> dict[str, Any]:
    value, lifetime = secrets.token_urlsafe(32), state.settings.token_lifetime
    expires_at = time.time() + lifetime
    state.record_event("token_issued", digest=hash_secret(value), client_id=client_id, expires_at=expires_at)
    return {"access_token": value, "token_type": "Bearer", "expires_in": lifetime}
