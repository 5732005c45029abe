"""PATCH /orders/{orderId}/results."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import complain, json_of, own_order
from integrations.simulator.endpoint import Call, Refused, breach, endpoint
from integrations.simulator.entities import FINAL, RANK, Order
from integrations.simulator.merge_patch import merge_patch
from integrations.simulator.runtime import world
from integrations.simulator.wire.results import check_result

_PATCH_TYPES = {
    "json": ("application/json",),
    "merge-patch": ("application/merge-patch+json",),
    "both": ("application/json", "application/merge-patch+json"),
}


@endpoint("result", "PATCH", scope="assessment_result_manage")
def result(call: Call, order_id: str) -> HttpResponse:
    _check_patch_type(call)
    with world.lock:
        order = own_order(call, order_id)
        patch = json_of(call, "result")
        complain(check_result(patch, order.assessments), "result")
        merged = merge_patch(order.result, patch)
        _watch_behaviour(call, order, merged)
        world.record(
            "result",
            order_id=order_id,
            company=order.company,
            client_id=call.caller.client_id,
            status_before=order.status,
            status_after=merged.get("status"),
            repeat=merged == order.result,
            correction=order.correction,
            patch=patch,
        )
        return JsonResponse(merged)


def _check_patch_type(call: Call) -> None:
    given = call.request.content_type
    if given in _PATCH_TYPES[world.settings.patch_types]:
        return
    strange = None if given in _PATCH_TYPES["both"] else "result of an unknown content type"
    raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", f"{given!r} is not taken here", breach=strange)


def _watch_behaviour(call: Call, order: Order, merged: dict[str, Any]) -> None:
    """What the real one would swallow, and a recruiter would not: taken, but on the record unless announced."""
    if order.correction:
        return
    now = _statuses(merged)
    for level, before in _statuses(order.result).items():
        after = now.get(level)
        if after == before or level not in now:
            continue
        if before in FINAL:
            breach("final status changed", f"{level}: {before} became {after}", call, order.id)
        elif before and RANK.get(after or "", -1) < RANK[before]:
            breach("status went back", f"{level}: {before} became {after}", call, order.id)
    for attachment in _urls(order.result) - _urls(merged) - _unheard(order):
        breach("attachment dropped", f"{attachment} is gone", call, order.id)
    for assessment in _assessments(order.result) - _assessments(merged):
        breach("assessment result dropped", f"the result of {assessment} is gone", call, order.id)


def _statuses(result_: dict[str, Any]) -> dict[str, str | None]:
    """By assessment, and of the whole."""
    single = {each["assessmentId"]: each.get("status") for each in result_.get("assessmentResults") or []}
    return {"the package": result_.get("status"), **single}


def _urls(result_: dict[str, Any]) -> set[str]:
    levels = [result_, *(result_.get("assessmentResults") or [])]
    return {each["url"] for level in levels for each in level.get("attachments") or []}


def _unheard(order: Order) -> set[str]:
    return {upload.url for upload in order.uploads if upload.reply_lost}


def _assessments(result_: dict[str, Any]) -> set[str]:
    return {each["assessmentId"] for each in result_.get("assessmentResults") or []}
