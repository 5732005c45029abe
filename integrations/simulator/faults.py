"""The switches: what goes wrong, where, how often; and how it is done to a call on the wire."""

import contextlib
import random
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from integrations.simulator.entities import Fault
from integrations.simulator.state import SimulatorState

ACTIONS = {
    "slow": "answer late",
    "hang": "never answer",
    "drop": "close the connection without an answer",
    "status": "answer with an error status",
    "html200": "answer 200 with an HTML page",
    "redirect": "answer 302 to a sign-in page",
    "truncated": "answer half a body, then close",
    "garbage": "answer 200 with JSON of another shape",
}
ROUTES = (
    "token",
    "configuration",
    "integration",
    "candidate",
    "job",
    "hiring_team",
    "result",
    "attachment",
)
_MAX_HANG_SECONDS = 300.0
_MAINTENANCE_PAGE = b"<!doctype html><title>SmartRecruiters</title><h1>We will be back soon</h1>"


def take_fault(state: SimulatorState, route: str, company: str | None) -> Fault | None:
    """The first switch that fits this call, used up by one."""
    with state.lock:
        for fault in state.faults.values():
            if fault.route not in (None, route) or fault.company not in (None, company):
                continue
            if fault.chance < 1 and random.random() >= fault.chance:
                continue
            state.record_event(
                "fault_fired",
                fault=fault.id,
                action=fault.action,
                after_effect=fault.after_effect,
                route=route,
                company=company,
            )
            return fault
    return None


def wait_while_connected(request: HttpRequest, seconds: float) -> bool:
    """Sleep as long as the caller stays; False when he has gone. The body must have been read."""
    if seconds <= 0:
        return True
    line: socket.socket = request.META["gunicorn.socket"]
    poll = select.poll()
    poll.register(line, select.POLLIN | select.POLLRDHUP)
    return not poll.poll(seconds * 1000)


def add_jitter(seconds: float, jitter: float) -> float:
    return max(0.0, seconds + random.uniform(-jitter, jitter))


def is_reply_delivered(fault: Fault) -> bool:
    """Whether the caller learns the outcome of the call in spite of the fault."""
    return fault.action == "slow"


def inject_fault(fault: Fault, request: HttpRequest, effect: Callable[[], HttpResponse]) -> HttpResponseBase:
    """Do the fault to this call, with the call's effect before it or, for `slow`, behind it, or not at all."""
    if fault.action == "slow" and not fault.after_effect:
        wait_while_connected(request, add_jitter(fault.seconds, fault.jitter))
        return effect()
    answer = effect() if fault.after_effect else HttpResponse()
    if fault.action == "slow":
        wait_while_connected(request, add_jitter(fault.seconds, fault.jitter))
        return answer
    if fault.action == "hang":
        wait_while_connected(request, _MAX_HANG_SECONDS)
        return _drop_connection(request)
    if fault.action == "truncated":
        return _truncate_response(request, answer.content or b'{"status": "COMPLETED", "name": "cut"}')
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
    answer = build_error(fault.status, "SIMULATED", f"a simulated {fault.status}")
    if fault.retry_after is not None:
        answer["Retry-After"] = str(fault.retry_after)
    return answer


def build_error(status: int, code: str, message: str, **more: Any) -> JsonResponse:
    return JsonResponse({**more, "errors": [{"code": code, "message": message}]}, status=status)


def _hang_up(request: HttpRequest) -> None:
    line: socket.socket = request.META["gunicorn.socket"]
    with contextlib.suppress(OSError):  # the caller may be quicker
        line.shutdown(socket.SHUT_RDWR)


def _drop_connection(request: HttpRequest) -> HttpResponse:
    _hang_up(request)
    return HttpResponse(status=444, reason="dropped")


def _truncate_response(request: HttpRequest, body: bytes) -> StreamingHttpResponse:
    def yield_half() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        _hang_up(request)

    return StreamingHttpResponse(
        yield_half(), content_type="application/json", headers={"Content-Length": str(len(body))}
    )
