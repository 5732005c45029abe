"""What the order's page shows, gathered in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from integrations.outbox import clock
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Lane
from orders import scores, timeline
from orders.models import Attachment, Hop, Order, Resource, ResourceKind, Result, Status
from orders.privacy import erasure

HOPS = {
    "in": ("from SmartRecruiters", "icons/smartrecruiters.svg"),
    "out": ("to SmartRecruiters", "icons/send.svg"),
    "engine": ("engine", "icons/engine.svg"),
    "candidate": ("candidate", "icons/person.svg"),
}
OURS = ("portal", "icons/portal.svg")
S = DeliveryState
CALLS = {
    "Accepted": ("POST", "accept → 200"),
    "Launch address": ("POST", "accept → 200"),
    "Attachment added": ("POST", "attachments → 201"),
    "Attachment removed": ("DELETE", "attachments/… → 204"),
    "Reported": ("PATCH", "result → 200"),
}
WORDS = {"changed": "what changed", "correction": "why it was corrected", "assessment_id": "assessment"}
TITLES = {ResourceKind.CANDIDATE: "Candidate", ResourceKind.JOB: "Job", ResourceKind.HIRING_TEAM: "Hiring team"}


@dataclass(frozen=True)
class Shown:
    """A line of the timeline with what only staff see: the call itself."""

    line: timeline.Line
    lane: str
    icon: str
    attempt: Attempt | None
    next_at: datetime | None
    call: str
    """The call that somebody made to us, and how it was answered; empty where there was none."""
    told: list[tuple[str, str]]
    """What else was written down of it, as names and values."""

    @property
    def is_overdue(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()

    @property
    def is_trouble(self) -> bool:
        return bool(self.attempt and self.attempt.outcome not in ("", "delivered"))


@dataclass(frozen=True)
class Part:
    """The result of the package, or of one assessment, as the recruiter's panel has it."""

    name: str
    result: Result | None
    attachments: list[Attachment]

    @property
    def status(self) -> str:
        return self.result.status if self.result else ""

    @property
    def score_text(self) -> str | None:
        return scores.score_text(self.result) if self.result else None

    @property
    def score_percent(self) -> int | None:
        return scores.score_percent(self.result) if self.result else None


def context_of(order: Order) -> dict[str, Any]:
    deliveries = timeline.deliveries_of(order)
    lines = timeline.merge(order.events.all(), deliveries, timeline.acts_on(order))
    parts = _parts(order)
    delivery = next((each for each in deliveries if each.lane == Lane.RESULT), None)
    return {
        "original": order,
        "order": order,
        "status": order.status or Status.PENDING,
        "lines": _shown(lines, deliveries, order),
        "deliveries": [(each, timeline.why(each.kind, each.reason)) for each in deliveries],
        "delivery": delivery,
        "why": timeline.why(delivery.kind, delivery.reason) if delivery else "",
        "is_held_up": delivery is not None and _is_held_up(delivery),
        "now": clock.now(),
        "whole": parts[0],
        "parts": parts[1:],
        "resources": _resources(order),
        "is_manual": order.package.delivery == "manual",
    }


def _is_held_up(delivery: Delivery) -> bool:
    """The newest result is not in SmartRecruiters, and more than its turn is missing."""
    state = delivery.state
    return state in (S.FAILED, S.UNKNOWN, S.HELD) or (state == S.PENDING and delivery.failures > 0)


def _shown(lines: list[timeline.Line], deliveries: list[Delivery], order: Order) -> list[Shown]:
    attempts = {(each.pk, attempt.number): attempt for each in deliveries for attempt in each.attempts.all()}
    return [_shown_line(line, attempts, order) for line in lines]


def _shown_line(line: timeline.Line, attempts: dict[tuple[int, int], Attempt], order: Order) -> Shown:
    detail = line["detail"]
    is_ours = "act" in detail or line["by"] == "portal" or line["what"] == erasure.ERASED
    lane, icon = OURS if is_ours else HOPS[line["hop"]]
    next_at = detail.get("next_try_at")
    return Shown(
        line,
        lane,
        icon,
        attempts.get((detail.get("delivery") or 0, detail.get("try", 0))),
        parse_datetime(next_at) if next_at else None,
        _call(line, order),
        [] if "delivery" in detail else _told(line, order),
    )


def _is_the_order(line: timeline.Line) -> bool:
    return line["hop"] == Hop.IN and line["what"].startswith("Ordered")


def _call(line: timeline.Line, order: Order) -> str:
    """Who called which of our addresses for it, as the routes have it. Only the engine's API writes a client's name."""
    if _is_the_order(line):
        path, status = ("inline/orders", 200) if order.is_inline else ("orders", 202)
        return f"POST /smartrecruiters/packages/{path} → {status}"
    if line["hop"] != Hop.ENGINE or "delivery" in line["detail"] or line["by"] == "portal" or "@" in line["by"]:
        return ""
    method, path = next((call for what, call in CALLS.items() if what in line["what"]), CALLS["Reported"])
    return f"{method} /api/vendor/v1/orders/{order.pk}/{path}"


def _told(line: timeline.Line, order: Order) -> list[tuple[str, str]]:
    """Of the order itself, what came with it."""
    if not _is_the_order(line) or order.erased_at is not None:
        return facts_of({WORDS.get(name, name): value for name, value in line["detail"].items() if value is not False})
    return facts_of(
        {
            "order": order.smartrecruiters_order_id,
            "candidate": {"name": order.candidate_name, "address": order.candidate_email},
            "application language": order.candidate_language,
            "requester": order.requester_email,
            "job": order.job_id,
            **order.fields,
        }
    )


def previewed(order: Order, assessment_id: str, columns: dict[str, Any]) -> dict[str, Any]:
    """The recruiter's panel as it would be with these columns of one part changed. Nothing is stored."""
    rows = {row.assessment_id: row for row in order.results.all()}
    row = rows.setdefault(assessment_id, Result(order=order, assessment_id=assessment_id))
    for name, value in columns.items():
        setattr(row, name, value)
    parts = _parts(order, rows)
    return {"whole": parts[0], "parts": parts[1:]}


def _parts(order: Order, rows: dict[str, Result] | None = None) -> list[Part]:
    """The package first, then its assessments in their order, then what results name that is no longer in it."""
    results = {row.assessment_id: row for row in order.results.all()} if rows is None else rows
    attached = list(order.attachments.all())
    ledger = {row.digest: row for row in order.uploads.all()}
    for each in attached:
        vars(each)["upload"] = ledger.get(each.digest) if each.file else None
    names = {"": order.package.name}
    names |= {each.assessment_id: each.name for each in order.package.assessments.all()}
    names |= {each: each for each in [*results, *(a.assessment_id for a in attached)] if each not in names}
    return [
        Part(name, results.get(key), [each for each in attached if each.assessment_id == key])
        for key, name in names.items()
    ]


def _resources(order: Order) -> list[dict[str, Any]]:
    rows: dict[str, Resource] = {row.kind: row for row in order.resources.all()}
    return [
        {"title": title, "row": rows.get(kind), "facts": facts_of(rows[kind].content) if kind in rows else []}
        for kind, title in TITLES.items()
    ]


def facts_of(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Nested facts as lines: (`location city`, `Berlin`)."""
    found: list[tuple[str, str]] = []
    for name, value in content.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            found += [(f"{label} {inner}", text) for inner, text in facts_of(value)]
        elif isinstance(value, list):
            found += [(label, ", ".join(_said(item) for item in value))] if value else []
        elif value not in (None, ""):
            found.append((label, str(value)))
    return found


def _said(item: Any) -> str:
    return " ".join(str(value) for value in item.values()) if isinstance(item, dict) else str(item)
