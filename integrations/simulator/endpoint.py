"""The door of SmartRecruiters' API: who calls, the limits, the switches, the headers, the ledger's line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from integrations.simulator import faults
from integrations.simulator.entities import Fault
from integrations.simulator.faults import build_error
from integrations.simulator.limits import LimitStatus
from integrations.simulator.runtime import rate_limiter, state
from integrations.simulator.state import hash_secret

MASTER_SCOPES = frozenset({"partner_configuration_manage", "client_credentials_write"})
CUSTOMER_SCOPES = frozenset({"candidates_read", "jobs_read", "assessment_result_manage"})


class ApiError(Exception):
    """An answer that is no success. With `breach` it broke the protocol, and is recorded as that."""

    def __init__(self, status: int, code: str, message: str, *, breach: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.breach = status, code, message, breach


@dataclass(frozen=True)
class Caller:
    """Who the bearer token says is calling; `is_valid` unless it is dead."""

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
    """One call on its way. A view sets `on_lost_reply` for what must be noted if its answer is not heard."""

    request: HttpRequest
    route: str
    body: bytes
    caller: Caller
    on_lost_reply: Callable[[], None] | None = None


class View(Protocol):
    def __call__(self, call: Call, **ids: str) -> HttpResponse: ...


def identify_caller(request: HttpRequest) -> Caller:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if not value:
        return Caller()
    token = state.tokens.get(hash_secret(value)) if kind.lower() == "bearer" else None
    if token is None:
        return Caller(has_token=True)
    company = state.find_company(token.client_id)
    known = company is not None or token.client_id == state.master_pair.client_id
    return Caller(token.client_id, company, known and time.time() < token.expires_at, True)


def api_endpoint(
    route: str,
    *methods: str,
    scope: str | None,
    get_caller: Callable[[HttpRequest], Caller] = identify_caller,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """Turn `view(call, **ids)` into a Django view behind the door. Several methods share one limit."""

    def decorate_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapped_view(request: HttpRequest, **ids: str) -> HttpResponseBase:
            call = Call(request, route, request.body, get_caller(request))
            if len(call.body) < int(request.META.get("CONTENT_LENGTH") or 0):
                return HttpResponse(status=400)  # the caller died before he had said it all: it is no call
            return _serve_call(call, lambda: _call_view(call, view, methods, scope, ids), ids.get("company_id"))

        return csrf_exempt(wrapped_view)

    return decorate_view


def _serve_call(call: Call, effect: Callable[[], HttpResponse], path_company: str | None) -> HttpResponseBase:
    started = time.time()
    settings, caller = state.settings, call.caller
    credential = caller.client_id or "anonymous"
    standing = rate_limiter.acquire_slot(
        credential, call.route, rate=settings.rate, concurrent=settings.concurrent, enforced=settings.limits
    )
    fault = None
    try:
        if standing.refusal_reason:
            answer: HttpResponseBase = build_error(429, "TOO_MANY_REQUESTS", standing.refusal_reason)
        else:
            fault = faults.take_fault(state, call.route, caller.company or path_company)
            answer = _apply_fault(call, effect, fault)
    finally:
        # Before a byte is written: a caller who has the answer may use the place at once.
        rate_limiter.release_slot(credential)
    for name, value in standing.build_headers().items():
        answer[name] = value
    _record_call(call, standing, answer.status_code, started, fault, path_company)
    return answer


def _apply_fault(call: Call, effect: Callable[[], HttpResponse], fault: Fault | None) -> HttpResponseBase:
    answer = faults.inject_fault(fault, call.request, effect) if fault else effect()
    settings = state.settings
    heard = (
        faults.wait_while_connected(call.request, faults.add_jitter(settings.latency, settings.jitter))
        if settings.latency
        else True
    )
    if call.on_lost_reply and (not heard or (fault and not faults.is_reply_delivered(fault))):
        call.on_lost_reply()
    return answer


def _call_view(
    call: Call, view: Callable[..., HttpResponse], methods: tuple[str, ...], scope: str | None, ids: dict[str, str]
) -> HttpResponse:
    try:
        if call.request.method not in methods:
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"{call.request.method} is not taken here", breach="wrong method")
        if scope is not None:
            _authorise_call(call, scope)
        return view(call, **ids)
    except ApiError as refused:
        if refused.breach:
            record_breach(refused.breach, refused.message, call, ids.get("order_id"))
        return build_error(refused.status, refused.code, refused.message)


def _authorise_call(call: Call, scope: str) -> None:
    caller = call.caller
    if not caller.has_token:
        raise ApiError(401, "UNAUTHORIZED", "no bearer token", breach="call without a token")
    if not caller.is_valid:
        raise ApiError(401, "UNAUTHORIZED", "the token is unknown, expired or revoked")
    if scope not in caller.scopes:
        raise ApiError(403, "FORBIDDEN", f"the token has no scope {scope}", breach="token without the scope")


def record_breach(what: str, detail: str, call: Call, order_id: str | None = None) -> None:
    state.record_event(
        "breach", what=what, detail=detail, company=call.caller.company, order_id=order_id, route=call.route
    )


def _record_call(
    call: Call, standing: LimitStatus, status: int, started: float, fault: Fault | None, path_company: str | None
) -> None:
    fields: dict[str, Any] = {
        "route": call.route,
        "method": call.request.method,
        "path": call.request.path,
        "client_id": call.caller.client_id,
        "company": call.caller.company or path_company,
        "status": status,
        "arrived": round(started, 4),
        "seconds": round(time.time() - started, 4),
        "in_flight": standing.concurrent,
    }
    if fault:
        fields["fault"] = fault.action
    state.record_event("call", **fields)
