"""POST /identity/oauth/token."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse

from integrations.simulator.endpoint import Call, Caller, Refused, endpoint
from integrations.simulator.faults import error
from integrations.simulator.runtime import world
from integrations.simulator.state import digest


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True)
    except ValueError:
        return []


def _by_form(request: HttpRequest) -> Caller:
    client_id = dict(_form(request)).get("client_id")
    company = world.company_of_credential(client_id)
    known = company is not None or client_id == world.master.client_id
    return Caller(client_id if known else None, company)


@endpoint("token", "POST", scope=None, caller_of=_by_form)
def token(call: Call) -> HttpResponse:
    if call.request.content_type != "application/x-www-form-urlencoded":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "a token is asked for by a form", breach="token not asked by form")
    pairs = _form(call.request)
    form = dict(pairs)
    if len(pairs) != 3 or form.keys() != {"grant_type", "client_id", "client_secret"}:
        message = f"the form has {sorted(form)}, not exactly grant_type, client_id and client_secret"
        raise Refused(400, "INVALID_REQUEST", message, breach="token call with another form")
    if form["grant_type"] != "client_credentials":
        raise Refused(400, "UNSUPPORTED_GRANT_TYPE", "not client_credentials", breach="token call with another grant")
    if not _knows(form["client_id"], form["client_secret"]):
        return error(401, "INVALID_CLIENT", "no such client, or another secret", error="invalid_client")
    return JsonResponse(_new_token(form["client_id"]), headers={"Cache-Control": "no-store"})


def _knows(client_id: str, client_secret: str) -> bool:
    if client_id == world.master.client_id:
        return secrets.compare_digest(client_secret.encode(), world.master.client_secret.encode())
    company = world.company_of_credential(client_id)
    pair = world.companies[company].own_pair if company else None
    return pair is not None and secrets.compare_digest(client_secret.encode(), pair.client_secret.encode())


def _new_token(client_id: str) -> dict[str, Any]:
    value, lifetime = secrets.token_urlsafe(32), world.settings.token_lifetime
    world.record("token_issued", digest=digest(value), client_id=client_id, expires_at=time.time() + lifetime)
    return {"access_token": value, "token_type": "Bearer", "expires_in": lifetime}
