"""Orders: for one candidate, for many, by a hiring step, inline."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from integrations.simulator import environment, sample_data
from integrations.simulator.entities import Order
from integrations.simulator.partner.http_client import NotPossible, Reply, breach, published
from integrations.simulator.partner.packages import known_package
from integrations.simulator.partner.tokens import call
from integrations.simulator.runtime import world
from integrations.simulator.wire.portal import check_inline_answer

KINDS = ("manual", "bulk", "hiring_step", "inline")


@dataclass(frozen=True)
class Wish:
    """An order somebody wants to place. Without `candidate` numbers, `count` of them that have not been used."""

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


def place(wish: Wish) -> list[Order]:
    """Order for every candidate of the wish, side by side; each order is on record before its call goes out."""
    if wish.kind not in KINDS:
        raise NotPossible(f"there is no kind of order called {wish.kind}")
    if wish.company not in world.companies:
        raise NotPossible(f"there is no company {wish.company}")
    published(_order_url_key(wish.kind))
    entry = known_package(wish.company, wish.package)
    numbers = wish.candidates or _unused(wish.company, wish.count)
    ids = [_prepare(wish, entry, number) for number in numbers]
    with ThreadPoolExecutor(max_workers=max(1, min(wish.parallel, len(ids)))) as pool:
        list(pool.map(lambda order_id: _send_patiently(order_id, wish.retries), ids))
    return [world.orders[order_id] for order_id in ids]


def _order_url_key(kind: str) -> str:
    return "inlineAssessmentPackageOrderUrl" if kind == "inline" else "packageOrderUrl"


def _unused(company: str, count: int) -> tuple[int, ...]:
    """One candidate is one of the shown ones; more come from behind them, so that each is ordered for once."""
    placed = len(world.orders_of.get(company, []))
    first = placed % sample_data.CANDIDATES_SHOWN if count == 1 else sample_data.CANDIDATES_SHOWN + placed
    return tuple(range(first, first + count))


def _prepare(wish: Wish, entry: dict[str, Any], number: int) -> str:
    order_id = str(uuid4())
    person = sample_data.candidate(wish.company, number)
    job = sample_data.jobs(wish.company)[
        (number if wish.job is None else wish.job) % len(sample_data.jobs(wish.company))
    ]
    body = {**_order_body(wish, order_id, person, job["id"]), **wish.overrides}
    world.record(
        "order_placed",
        order_id=order_id,
        company=wish.company,
        order_kind=wish.kind,
        package=entry,
        candidate=person,
        body=body,
    )
    return order_id


def _order_body(wish: Wish, order_id: str, person: dict[str, Any], job_id: str) -> dict[str, Any]:
    settings, inline = world.settings, wish.kind == "inline"
    keys = ("email", "firstName", "lastName", "applicationLanguage")
    body: dict[str, Any] = {
        "resultCallbackURL": f"{environment.PUBLIC_URL}/assessment-api/v202010/orders/{order_id}/results",
        "candidate": {key: person[key] for key in (keys if inline else ("id", *keys))},
        "assessmentPackageId": wish.package,
        "companyId": wish.company,
    }
    if settings.job_spelling in ("both", "job"):
        body["job"] = {"id": job_id}
    if settings.job_spelling in ("both", "jobId"):
        body["jobId"] = job_id
    if inline:
        body[settings.callback_spelling] = f"{environment.PUBLIC_URL}/applied/{order_id}"
    elif wish.kind != "hiring_step":
        email = wish.requester or f"recruiter@{wish.company}.example"
        body["requester"] = {"userId": sample_data.identifier(wish.company, "person", email), "email": email}
    if wish.fields:
        body["fields"] = wish.fields
    return body


def _send_patiently(order_id: str, retries: int) -> None:
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(min(2.0, 0.2 * 2**attempt))
        status = send(order_id)
        if status is not None and status < 500:
            return


def send(order_id: str) -> int | None:
    """Send an order's body to the portal: for the first time, or again, the same to the letter."""
    order = world.orders[order_id]
    url = published(_order_url_key(order.kind))
    reply = call(order.company, "order", "POST", url, order_id, json=order.body)
    problems = _order_problems(order, reply)
    breach("portal's answer to an order", problems, order.company, "order", order_id)
    told = reply.body["url"] if order.inline and reply.status == 200 and not problems else None
    problem = "; ".join(problems) or _said(reply)
    world.record(
        "order_answered",
        order_id=order_id,
        status=reply.status,
        seconds=round(reply.seconds, 4),
        url=told,
        problem=problem,
    )
    return reply.status


def _order_problems(order: Order, reply: Reply) -> list[str]:
    if reply.status is None or reply.status >= 300:
        return []
    expected = 200 if order.inline else 202
    if reply.status != expected:
        return [f"answered {reply.status}, not {expected}"]
    if not order.inline:
        return []
    return [reply.problem] if reply.problem else check_inline_answer(reply.body)


def _said(reply: Reply) -> str | None:
    if reply.status is None:
        return reply.problem
    if reply.status < 300:
        return None
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    return "; ".join(str(each.get("message")) for each in errors) if errors else f"answered {reply.status}"
