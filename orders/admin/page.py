"""Context of the order's admin page, built with a fixed number of queries."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from integrations.models import ConnectionState
from integrations.outbox import clock
from integrations.outbox.admin import replay_preview
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from integrations.outbox.sending.failure_messages import translate_reason
from orders import scores, timeline
from orders.models import Attachment, Hop, Order, Resource, ResourceKind, Result
from orders.privacy import erasure

HOP_LABELS = {
    "in": ("from SmartRecruiters", "icons/smartrecruiters.svg"),
    "out": ("to SmartRecruiters", "icons/send.svg"),
    "engine": ("engine", "icons/engine.svg"),
    "candidate": ("candidate", "icons/person.svg"),
}
PORTAL_LABEL = ("portal", "icons/portal.svg")
S = DeliveryState
ENGINE_CALLS = {
    "Accepted": ("POST", "accept → 200"),
    "Launch URL": ("POST", "accept → 200"),
    "Attachment added": ("POST", "attachments → 201"),
    "Attachment removed": ("DELETE", "attachments/… → 204"),
    "Reported": ("PATCH", "result → 200"),
}
PANEL_VERBS: dict[str, str] = {S.DELIVERED: "sees", S.FAILED: "would see", S.UNKNOWN: "would see", S.HELD: "would see"}
DETAIL_LABELS = {"changed": "what changed", "correction": "why it was corrected", "assessment_id": "assessment"}


@dataclass(frozen=True)
class TimelineRow:
    """A timeline entry with the details of its call, which only staff see."""

    entry: timeline.TimelineEntry
    hop_label: str
    icon: str
    attempt: Attempt | None
    next_at: datetime | None
    call: str  # the request to our API and its status; "" without one
    details: list[tuple[str, str]]  # other facts, by name

    @property
    def is_overdue(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()

    @property
    def has_failed(self) -> bool:
        return bool(self.attempt and self.attempt.outcome not in ("", "delivered"))


@dataclass(frozen=True)
class DeliveryRow:
    """A delivery with its cause, and the action that helps it on, or ""."""

    delivery: Delivery
    label: str
    reason: str
    action: str
    action_label: str


@dataclass(frozen=True)
class ResultNotice:
    """Notice that the newest result is not in SmartRecruiters: why, and the page that helps."""

    title: str
    reason: str
    tone: str
    next_at: datetime | None
    url: str
    link_text: str

    @property
    def is_overdue(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()


@dataclass(frozen=True)
class ResultPart:
    """The result of the package, or of one assessment, in the recruiter's panel."""

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


def build_context(order: Any) -> dict[str, Any]:
    """Return the template context. The order must come from `with_newest_result()`."""
    deliveries = timeline.load_deliveries(order)
    attempts = {(each.pk, attempt.number): attempt for each in deliveries for attempt in each.attempts.all()}
    entries = timeline.merge_entries(order.events.all(), deliveries, timeline.load_staff_actions(order))
    parts = _build_parts(order)
    rows = [_build_delivery_row(each) for each in deliveries]
    newest = next((row for row in rows if row.delivery.pk == order.newest_result_id), None)
    has_earlier = any(each.kind == "result" and each.state == S.DELIVERED for each in deliveries)
    return {
        "original": order,
        "order": order,
        "status": order.reported_status,
        "timeline_rows": [_build_row(entry, attempts, order) for entry in entries],
        "delivery_rows": rows,
        "delivery": newest and newest.delivery,
        "delivery_state": newest.delivery.shown_state if newest else "erased" if order.erased_at else "none",
        "result_notice": _build_notice(newest, order, has_earlier=has_earlier) if newest else None,
        "panel_verb": PANEL_VERBS.get(newest.delivery.state if newest else "", "will see"),
        "was_delivered": has_earlier,
        "whole": parts[0],
        "parts": parts[1:],
        "resources": _build_resources(order),
        "is_manual": order.package.delivery == "manual",
    }


def _build_delivery_row(delivery: Delivery) -> DeliveryRow:
    handler, pause = get_handler(delivery), delivery.stream.pause_reason if delivery.stream.is_paused else ""
    reason = translate_reason(delivery.reason, handler) or (pause if delivery.state == S.PENDING else "")
    return DeliveryRow(delivery, handler.label, reason, *replay_preview.suggest_action(delivery))


def _build_notice(row: DeliveryRow, order: Order, *, has_earlier: bool) -> ResultNotice | None:
    """Return the notice, unless the newest result arrived, is on its way, or waits for its first attempt."""
    delivery = row.delivery
    is_waiting = delivery.state == S.PENDING
    if delivery.state in (S.DELIVERED, S.IN_FLIGHT) or (is_waiting and not row.reason):
        return None
    is_uncertain = delivery.is_ambiguous or delivery.state == S.UNKNOWN
    title = (
        f"The {'latest ' if has_earlier else ''}result {'may not be' if is_uncertain else 'is not'} in SmartRecruiters"
    )
    return ResultNotice(
        f"{title}, which shows an earlier one." if has_earlier and not is_uncertain else f"{title}.",
        row.reason.rstrip("."),
        "bad" if delivery.state == S.FAILED else "warn",
        delivery.next_attempt_at if is_waiting else None,
        *_build_notice_link(row, order),
    )


def _build_notice_link(row: DeliveryRow, order: Order) -> tuple[str, str]:
    """Return URL and text of the link: to the action, or to the obstacle of the result."""
    if row.action:
        return reverse("admin:outbox_delivery_act", args=[row.delivery.pk, row.action]), row.action_label
    if row.delivery.stream.held_reason and order.connection.state != ConnectionState.LIVE:
        return reverse("admin:integrations_connection_change", args=[order.connection_id]), "View the connection"
    return reverse("admin:outbox_stream_change", args=[row.delivery.stream_id]), "View the queue"


def _build_row(entry: timeline.TimelineEntry, attempts: dict[tuple[int, int], Attempt], order: Order) -> TimelineRow:
    detail = entry["detail"]
    is_ours = "act" in detail or entry["by"] == "portal" or entry["what"] == erasure.ERASED_EVENT
    lane, icon = PORTAL_LABEL if is_ours else HOP_LABELS[entry["hop"]]
    next_at = detail.get("next_try_at")
    return TimelineRow(
        entry,
        lane,
        icon,
        attempts.get((detail.get("delivery") or 0, detail.get("try", 0))),
        parse_datetime(next_at) if next_at else None,
        _describe_call(entry, order),
        [] if "delivery" in detail else _event_details(entry, order),
    )


def _is_order_entry(entry: timeline.TimelineEntry) -> bool:
    return entry["hop"] == Hop.IN and entry["what"].startswith("Ordered")


def _describe_call(entry: timeline.TimelineEntry, order: Order) -> str:
    """Return the request to our API that caused the entry, like `PATCH …/result → 200`; "" without one.

    Events of the engine API have the client's name, without "@", in `by`.
    """
    if _is_order_entry(entry):
        path, status = ("inline/orders", 200) if order.is_inline else ("orders", 202)
        return f"POST /smartrecruiters/packages/{path} → {status}"
    if entry["hop"] != Hop.ENGINE or "delivery" in entry["detail"] or entry["by"] == "portal" or "@" in entry["by"]:
        return ""
    method, path = next(
        (call for what, call in ENGINE_CALLS.items() if what in entry["what"]), ENGINE_CALLS["Reported"]
    )
    return f"{method} /api/vendor/v1/orders/{order.pk}/{path}"


def _event_details(entry: timeline.TimelineEntry, order: Order) -> list[tuple[str, str]]:
    """Return the facts of an event; for the order itself, its content."""
    if not _is_order_entry(entry) or order.erased_at is not None:
        return flatten_facts(
            {DETAIL_LABELS.get(name, name): value for name, value in entry["detail"].items() if value is not False}
        )
    return flatten_facts(
        {
            "order": order.smartrecruiters_order_id,
            "candidate": {"name": order.candidate_name, "email": order.candidate_email},
            "application language": order.candidate_language,
            "requester": order.requester_email,
            "job": order.job_id,
            **order.fields,
        }
    )


def build_preview(order: Order, assessment_id: str, columns: dict[str, Any]) -> dict[str, Any]:
    """Return the panel's context with these columns of one result changed, without storing them."""
    rows = {row.assessment_id: row for row in order.results.all()}
    row = rows.setdefault(assessment_id, Result(order=order, assessment_id=assessment_id))
    for name, value in columns.items():
        setattr(row, name, value)
    parts = _build_parts(order, rows)
    return {"whole": parts[0], "parts": parts[1:]}


def _build_parts(order: Order, rows: dict[str, Result] | None = None) -> list[ResultPart]:
    """Return the package, then its assessments in order, then those that were removed from the package."""
    results = {row.assessment_id: row for row in order.results.all()} if rows is None else rows
    attached = list(order.attachments.all())
    ledger = {row.digest: row for row in order.uploads.all()}
    for each in attached:
        vars(each)["upload"] = ledger.get(each.digest) if each.file else None
    names = {"": order.package.name}
    names |= {each.assessment_id: each.name for each in order.package.assessments.all()}
    names |= {each: each for each in [*results, *(a.assessment_id for a in attached)] if each not in names}
    return [
        ResultPart(name, results.get(key), [each for each in attached if each.assessment_id == key])
        for key, name in names.items()
    ]


def _build_resources(order: Order) -> list[dict[str, Any]]:
    rows: dict[str, Resource] = {row.kind: row for row in order.resources.all()}
    return [
        {"title": kind.label, "row": rows.get(kind), "facts": flatten_facts(rows[kind].content) if kind in rows else []}
        for kind in ResourceKind
    ]


def flatten_facts(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Flatten nested facts to names and values, like (`location city`, `Berlin`)."""
    facts: list[tuple[str, str]] = []
    for name, value in content.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            facts += [(f"{label} {inner}", text) for inner, text in flatten_facts(value)]
        elif isinstance(value, list):
            facts += [(label, ", ".join(_join_values(item) for item in value))] if value else []
        elif value not in (None, ""):
            facts.append((label, str(value)))
    return facts


def _join_values(item: Any) -> str:
    return " ".join(str(value) for value in item.values()) if isinstance(item, dict) else str(item)
