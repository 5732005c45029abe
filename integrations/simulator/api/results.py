"""Results of an order: PATCH /orders/{orderId}/results."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from integrations.simulator.api.bodies import get_own_order, parse_body, reject_malformed
from integrations.simulator.endpoint import ApiError, Call, api_endpoint, record_breach
from integrations.simulator.merge_patch import merge_patch
from integrations.simulator.store.entities import FINAL_STATUSES, STATUS_RANK, Order
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.results import check_result

_PATCH_TYPES = {
    "json": ("application/json",),
    "merge-patch": ("application/merge-patch+json",),
    "both": ("application/json", "application/merge-patch+json"),
}


@api_endpoint("result", "PATCH", scope="assessment_result_manage")
def patch_result(call: Call, order_id: str) -> HttpResponse:
    _check_patch_type(call)
    with state.lock:
        order = get_own_order(call, order_id)
        patch = parse_body(call, "result")
        reject_malformed(check_result(patch, order.assessments), "result")
        merged = merge_patch(order.result, patch)
        _record_regressions(call, order, merged)
        state.record_event(
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
    content_type = call.request.content_type
    if content_type in _PATCH_TYPES[state.settings.patch_types]:
        return
    breach = None if content_type in _PATCH_TYPES["both"] else "result of an unknown content type"
    raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"{content_type!r} is not supported here", breach=breach)


def _record_regressions(call: Call, order: Order, merged: dict[str, Any]) -> None:
    """Record a breach for each regression that SmartRecruiters accepts but a recruiter would notice.

    An announced correction is exempt.
    """
    if order.correction:
        return
    now = _collect_statuses(merged)
    for level, before in _collect_statuses(order.result).items():
        after = now.get(level)
        if after == before or level not in now:
            continue
        if before in FINAL_STATUSES:
            record_breach("final status changed", f"{level}: {before} became {after}", call, order.id)
        elif before and STATUS_RANK.get(after or "", -1) < STATUS_RANK[before]:
            record_breach("status went back", f"{level}: {before} became {after}", call, order.id)
    # An upload with a lost response may be missing: the portal never learned its URL.
    lost_urls = {upload.url for upload in order.uploads if upload.reply_lost}
    for attachment in _collect_urls(order.result) - _collect_urls(merged) - lost_urls:
        record_breach("attachment dropped", f"{attachment} is missing", call, order.id)
    for assessment in _collect_assessment_ids(order.result) - _collect_assessment_ids(merged):
        record_breach("assessment result dropped", f"the result of {assessment} is missing", call, order.id)


def _collect_statuses(result: dict[str, Any]) -> dict[str, str | None]:
    """Return the statuses by assessment id, and of the package under "the package"."""
    statuses = {each["assessmentId"]: each.get("status") for each in result.get("assessmentResults") or []}
    return {"the package": result.get("status"), **statuses}


def _collect_urls(result: dict[str, Any]) -> set[str]:
    levels = [result, *(result.get("assessmentResults") or [])]
    return {each["url"] for level in levels for each in level.get("attachments") or []}


def _collect_assessment_ids(result: dict[str, Any]) -> set[str]:
    return {each["assessmentId"] for each in result.get("assessmentResults") or []}
