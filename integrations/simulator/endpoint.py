"""Decorator of SmartRecruiters' API views: authentication, rate limiter, fault injection and ledger."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from integrations.simulator import faults
from integrations.simulator.arrival import get_arrival
from integrations.simulator.faults import build_error
from integrations.simulator.store.entities import Fault
from integrations.simulator.store.runtime import rate_limiter, state
from integrations.simulator.store.state import hash_secret

MASTER_SCOPES = frozenset({"partner_configuration_manage", "client_credentials_write"})
CUSTOMER_SCOPES = frozenset({"candidates_read", "jobs_read", "assessment_result_manage"})


class ApiError(Exception):
    """Error response. `breach` names the rule of the protocol that the call broke, and is recorded."""

    def __init__(self, status: int, code: str, message: str, *, breach: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.breach = status, code, message, breach


@dataclass(frozen=True)
class Caller:
    """Owner of the bearer token. `is_valid` is False for an unknown, expired or revoked token."""

    client_id: str | None = None
    company: str | None = None
    is_valid: bool = False
    has_token: bool = False

    @property
    def scopes(self) -> frozenset[str]:
        if not self.is_valid:
            return frozenset()
        return MASTER_SCOPES if self.client_id == state.master_pair.client_id else CUSTOMER_SCOPES


@dataclass
class Call:
    """Call in progress. A view may set `on_lost_reply`, which runs if the response does not reach the client."""

    request: HttpRequest
    route: str
    body: bytes
    caller: Caller
    on_lost_reply: Callable[[], object] | None = None


def identify_caller(request: HttpRequest) -> Caller:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if not value:
        return Caller()
    token = state.tokens.get(hash_secret(value)) if kind.lower() == "bearer" else None
    if token is None:
        return Caller(has_token=True)
    company = state.find_company(token.client_id)
    is_known = company is not None or token.client_id == state.master_pair.client_id
    return Caller(token.client_id, company, is_known and time.time() < token.expires_at, True)


def api_endpoint(
    route: str,
    *methods: str,
    scope: str | None,
    get_caller: Callable[[HttpRequest], Caller] = identify_caller,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """Turn `view(call, **ids)` into a Django view of SmartRecruiters' API. All methods share one rate limit."""

    def decorate_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapped_view(request: HttpRequest, **ids: str) -> HttpResponseBase:
            call = Call(request, route, request.body, get_caller(request))
            if len(call.body) < int(request.META.get("CONTENT_LENGTH") or 0):
                return HttpResponse(status=400)  # the client died while sending: not a call, so no breach either
            return _serve_call(call, lambda: _call_view(call, view, methods, scope, ids), ids.get("company_id"))

        return csrf_exempt(wrapped_view)

    return decorate_view


def _serve_call(call: Call, effect: Callable[[], HttpResponse], path_company: str | None) -> HttpResponseBase:
    arrived_at = get_arrival()
    settings, company = state.settings, call.caller.company or path_company
    credential = call.caller.client_id or "anonymous"
    limits = rate_limiter.acquire_slot(
        *(credential, call.route),
        arrived_at=arrived_at,
        rate=settings.rate,
        concurrent=settings.concurrent,
        enforced=settings.limits,
    )
    fault = None
    try:
        if limits.refusal_reason:
            response: HttpResponseBase = build_error(429, "TOO_MANY_REQUESTS", limits.refusal_reason)
        else:
            fault = faults.take_fault(state, call.route, company)
            response = _apply_fault(call, effect, fault)
    finally:
        # Released before the first byte is written: a client that has the response may call again at once.
        rate_limiter.release_slot(credential)
    for name, value in limits.build_headers().items():
        response[name] = value
    seconds = time.monotonic() - arrived_at
    state.record_event(
        "call",
        route=call.route,
        method=call.request.method,
        path=call.request.path,
        client_id=call.caller.client_id,
        company=company,
        status=response.status_code,
        arrived=round(time.time() - seconds, 4),
        seconds=round(seconds, 4),
        in_flight=limits.concurrent,
        **({"fault": fault.action} if fault else {}),
    )
    return response


def _apply_fault(call: Call, effect: Callable[[], HttpResponse], fault: Fault | None) -> HttpResponseBase:
    response = faults.inject_fault(fault, call.request, effect) if fault else effect()
    settings, is_connected = state.settings, True
    if settings.latency:
        delay = faults.add_jitter(settings.latency, settings.jitter)
        is_connected = faults.wait_while_connected(call.request, delay)
    if call.on_lost_reply and (not is_connected or (fault and not faults.is_response_delivered(fault))):
        call.on_lost_reply()
    return response


def _call_view(
    call: Call, view: Callable[..., HttpResponse], methods: tuple[str, ...], scope: str | None, ids: dict[str, str]
) -> HttpResponse:
    try:
        if call.request.method not in methods:
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"{call.request.method} is not allowed", breach="wrong method")
        if scope is not None:
            _authorise_call(call.caller, scope)
        return view(call, **ids)
    except ApiError as error:
        if error.breach:
            record_breach(error.breach, error.message, call, ids.get("order_id"))
        return build_error(error.status, error.code, error.message)


def _authorise_call(caller: Caller, scope: str) -> None:
    if not caller.has_token:
        raise ApiError(401, "UNAUTHORIZED", "no bearer token", breach="call without a token")
    if not caller.is_valid:
        raise ApiError(401, "UNAUTHORIZED", "the token is unknown, expired or revoked")
    if scope not in caller.scopes:
        raise ApiError(403, "FORBIDDEN", f"the token has no scope {scope}", breach="token without the scope")


def record_breach(what: str, detail: str, call: Call, order_id: str | None = None) -> None:
    context: dict[str, Any] = {"company": call.caller.company, "order_id": order_id, "route": call.route}
    state.record_event("breach", what=what, detail=detail, **context)
