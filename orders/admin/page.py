"""What the order's page shows, gathered in a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from integrations.outbox import clock
from integrations.outbox.models import Attempt, Delivery, Lane
from orders import panel, timeline
from orders.models import Attachment, Order, Resource, ResourceKind, Result, Status

HOPS = {
    "in": ("SmartRecruiters", "icons/smartrecruiters.svg"),
    "out": ("SmartRecruiters", "icons/send.svg"),
    "engine": ("engine", "icons/engine.svg"),
    "candidate": ("candidate", "icons/person.svg"),
}
TITLES = {ResourceKind.CANDIDATE: "Candidate", ResourceKind.JOB: "Job", ResourceKind.HIRING_TEAM: "Hiring team"}


@dataclass(frozen=True)
class Shown:
    """A line of the timeline with what only staff see: the call itself."""

    line: timeline.Line
    lane: str
    icon: str
    attempt: Attempt | None
    next_at: datetime | None

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
        return panel.score_text(self.result) if self.result else None

    @property
    def score_percent(self) -> int | None:
        return panel.score_percent(self.result) if self.result else None


def context_of(order: Order) -> dict[str, Any]:
    deliveries = timeline.deliveries_of(order)
    lines = timeline.merge(order.events.all(), deliveries)
    parts = _parts(order)
    return {
        "original": order,
        "order": order,
        "status": order.status or Status.PENDING,
        "lines": _shown(lines, deliveries),
        "deliveries": deliveries,
        "delivery": next((each for each in deliveries if each.lane == Lane.RESULT), None),
        "whole": parts[0],
        "parts": parts[1:],
        "resources": _resources(order),
        "is_manual": order.package.delivery == "manual",
    }


def _shown(lines: list[timeline.Line], deliveries: list[Delivery]) -> list[Shown]:
    attempts = {(each.pk, attempt.number): attempt for each in deliveries for attempt in each.attempts.all()}
    return [_shown_line(line, attempts) for line in lines]


def _shown_line(line: timeline.Line, attempts: dict[tuple[int, int], Attempt]) -> Shown:
    detail = line["detail"]
    lane, icon = HOPS[line["hop"]]
    next_at = detail.get("next_try_at")
    attempt = attempts.get((detail.get("delivery", 0), detail.get("try", 0)))
    return Shown(line, lane, icon, attempt, parse_datetime(next_at) if next_at else None)


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
