"""Placing orders at the portal: manually, in bulk, by a hiring step, or inline."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from integrations.simulator import environment
from integrations.simulator.partner.http_client import PortalCallError, Reply, get_published_url, record_breach
from integrations.simulator.partner.packages import get_known_package
from integrations.simulator.partner.tokens import call_portal
from integrations.simulator.store import sample_data
from integrations.simulator.store.entities import Order
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.portal import check_inline_body

ORDER_KINDS = ("manual", "bulk", "hiring_step", "inline")


@dataclass(frozen=True)
class OrderSpec:
    """Orders to place: for these `candidates` (by number), or else for `count` others."""

    company: str
    package: str
    kind: str = "manual"
    count: int = 1
    candidates: tuple[int, ...] = ()
    requester: str | None = None
    job: int | None = None
    fields: dict[str, str] = field(default_factory=dict)
    parallel: int = 16
    retries: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)


def place_orders(spec: OrderSpec) -> list[Order]:
    """Place one order per candidate, in parallel. Each order is recorded before its call is sent."""
    if spec.kind not in ORDER_KINDS:
        raise PortalCallError(f"there is no order kind {spec.kind}")
    if spec.company not in state.companies:
        raise PortalCallError(f"there is no company {spec.company}")
    get_published_url(_get_url_key(spec.kind))
    entry = get_known_package(spec.company, spec.package)
    numbers = spec.candidates or _pick_candidates(spec.company, spec.count)
    ids = [_record_order(spec, entry, number) for number in numbers]
    with ThreadPoolExecutor(max_workers=max(1, min(spec.parallel, len(ids)))) as pool:
        list(pool.map(lambda order_id: _send_with_retries(order_id, spec.retries), ids))
    return [state.orders[order_id] for order_id in ids]


def _get_url_key(kind: str) -> str:
    return "inlineAssessmentPackageOrderUrl" if kind == "inline" else "packageOrderUrl"


def _pick_candidates(company: str, count: int) -> tuple[int, ...]:
    """Return candidate numbers: a listed candidate for one order, unused candidates for several."""
    placed = len(state.order_ids_by_company.get(company, []))
    first = placed % sample_data.CANDIDATE_COUNT if count == 1 else sample_data.CANDIDATE_COUNT + placed
    return tuple(range(first, first + count))


def _record_order(spec: OrderSpec, entry: dict[str, Any], number: int) -> str:
    order_id = str(uuid4())
    person = sample_data.build_candidate(spec.company, number)
    job = sample_data.get_job(spec.company, number if spec.job is None else spec.job)
    body = {**_build_body(spec, order_id, person, job["id"]), **spec.overrides}
    details = {"company": spec.company, "order_kind": spec.kind, "package": entry, "candidate": person}
    state.record_event("order_placed", order_id=order_id, **details, body=body)
    return order_id


def _build_body(spec: OrderSpec, order_id: str, person: dict[str, Any], job_id: str) -> dict[str, Any]:
    settings, inline = state.settings, spec.kind == "inline"
    keys = ("email", "firstName", "lastName", "applicationLanguage")
    body: dict[str, Any] = {
        "resultCallbackURL": f"{environment.PUBLIC_URL}/assessment-api/v202010/orders/{order_id}/results",
        "candidate": {key: person[key] for key in (keys if inline else ("id", *keys))},
        "assessmentPackageId": spec.package,
        "companyId": spec.company,
    }
    if settings.job_spelling in ("both", "job"):
        body["job"] = {"id": job_id}
    if settings.job_spelling in ("both", "jobId"):
        body["jobId"] = job_id
    if inline:
        body[settings.callback_spelling] = f"{environment.PUBLIC_URL}/applied/{order_id}"
    elif spec.kind != "hiring_step":
        email = spec.requester or f"recruiter@{spec.company}.example"
        body["requester"] = {"userId": sample_data.build_id(spec.company, "person", email), "email": email}
    if spec.fields:
        body["fields"] = spec.fields
    return body


def _send_with_retries(order_id: str, retries: int) -> None:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(min(2.0, 0.2 * 2**attempt))
        status = send_order(order_id)
        if status is not None and status < 500:
            return


def send_order(order_id: str) -> int | None:
    """Send the order to the portal, for the first time or again, always with the same body."""
    order = state.orders[order_id]
    url = get_published_url(_get_url_key(order.kind))
    reply = call_portal(order.company, "order", "POST", url, order_id, json=order.body)
    problems = _find_order_problems(order, reply)
    record_breach("portal's answer to an order", problems, order.company, "order", order_id)
    outcome = {
        "url": reply.body["url"] if order.is_inline and reply.status == 200 and not problems else None,
        "problem": "; ".join(problems) or _describe_error(reply),
    }
    seconds = round(reply.seconds, 4)
    state.record_event("order_answered", order_id=order_id, status=reply.status, seconds=seconds, **outcome)
    return reply.status


def _find_order_problems(order: Order, reply: Reply) -> list[str]:
    if reply.status is None or reply.status >= 300:
        return []
    expected = 200 if order.is_inline else 202
    if reply.status != expected:
        return [f"responded {reply.status}, not {expected}"]
    if not order.is_inline:
        return []
    return [reply.problem] if reply.problem else check_inline_body(reply.body)


def _describe_error(reply: Reply) -> str | None:
    if reply.status is None:
        return reply.problem
    if reply.status < 300:
        return None
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    return "; ".join(str(each.get("message")) for each in errors) if errors else f"responded {reply.status}"
