"""Fault injection: which calls fail, and how a failure is produced on the wire."""

import contextlib
import random
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from integrations.simulator.store.entities import Fault
from integrations.simulator.store.state import SimulatorState

ACTIONS = {
    "slow": "respond late",
    "hang": "never respond",
    "drop": "close the connection without a response",
    "status": "respond with an error status",
    "html200": "respond 200 with an HTML page",
    "redirect": "respond 302 to a sign-in page",
    "truncated": "send half the body, then close",
    "garbage": "respond 200 with unexpected JSON",
}
ROUTES = ("token", "configuration", "integration", "candidate", "job", "hiring_team", "result", "attachment")
_MAX_HANG_SECONDS = 300.0
_MAINTENANCE_PAGE = b"<!doctype html><title>SmartRecruiters</title><h1>We will be back soon</h1>"


def take_fault(state: SimulatorState, route: str, company: str | None) -> Fault | None:
    """Return the first fault that matches this call, and count it as fired once."""
    with state.lock:
        for fault in state.faults.values():
            if fault.route not in (None, route) or fault.company not in (None, company):
                continue
            if fault.chance < 1 and random.random() >= fault.chance:
                continue
            details = {"action": fault.action, "after_effect": fault.after_effect}
            state.record_event("fault_fired", fault=fault.id, **details, route=route, company=company)
            return fault
    return None


def wait_while_connected(request: HttpRequest, seconds: float) -> bool:
    """Sleep while the client stays connected; return False if it disconnected. The body must have been read."""
    if seconds <= 0:
        return True
    connection: socket.socket = request.META["gunicorn.socket"]
    poll = select.poll()
    # With the body read, readable means either the end of the connection or an (unexpected) pipelined request.
    poll.register(connection, select.POLLIN | select.POLLRDHUP)
    return not poll.poll(seconds * 1000)


def add_jitter(seconds: float, jitter: float) -> float:
    return max(0.0, seconds + random.uniform(-jitter, jitter))


def is_response_delivered(fault: Fault) -> bool:
    """Return True if the client still learns the outcome of the call."""
    return fault.action == "slow"


def inject_fault(fault: Fault, request: HttpRequest, effect: Callable[[], HttpResponse]) -> HttpResponseBase:
    """Let the call fail. `effect` runs before the fault with `after_effect`, else only for `slow`, after the delay."""
    if fault.action == "slow" and not fault.after_effect:
        wait_while_connected(request, add_jitter(fault.seconds, fault.jitter))
        return effect()
    response = effect() if fault.after_effect else HttpResponse()
    if fault.action == "slow":
        wait_while_connected(request, add_jitter(fault.seconds, fault.jitter))
        return response
    if fault.action == "hang":
        wait_while_connected(request, _MAX_HANG_SECONDS)
        return _drop_connection(request)
    if fault.action == "truncated":
        return _truncate_response(request, response.content or b'{"status": "COMPLETED", "name": "cut"}')
    if fault.action == "drop":
        return _drop_connection(request)
    return _build_faulty_response(fault)


def _build_faulty_response(fault: Fault) -> HttpResponse:
    if fault.action == "html200":
        return HttpResponse(_MAINTENANCE_PAGE, content_type="text/html; charset=utf-8")
    if fault.action == "redirect":
        return HttpResponse(status=302, headers={"Location": "/login"})
    if fault.action == "garbage":
        return JsonResponse(["unexpected"], safe=False)
    response = build_error(fault.status, "SIMULATED", f"a simulated {fault.status}")
    if fault.retry_after is not None:
        response["Retry-After"] = str(fault.retry_after)
    return response


def build_error(status: int, code: str, message: str, **extra: Any) -> JsonResponse:
    return JsonResponse({**extra, "errors": [{"code": code, "message": message}]}, status=status)


def _close_connection(request: HttpRequest) -> None:
    connection: socket.socket = request.META["gunicorn.socket"]
    with contextlib.suppress(OSError):  # the client may have closed it first
        connection.shutdown(socket.SHUT_RDWR)


def _drop_connection(request: HttpRequest) -> HttpResponse:
    _close_connection(request)
    return HttpResponse(status=444, reason="dropped")


def _truncate_response(request: HttpRequest, body: bytes) -> StreamingHttpResponse:
    def yield_half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        _close_connection(request)

    headers = {"Content-Length": str(len(body))}
    return StreamingHttpResponse(yield_half(), content_type="application/json", headers=headers)
