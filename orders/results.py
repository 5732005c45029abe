"""Reports of an order's result, by the engine, by staff or by the start of the candidate."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound

from integrations import metrics
from integrations.api.errors import ConflictError, GoneError
from integrations.models import EventType
from integrations.outbox import clock, deliveries
from integrations.outbox.models import Priority
from integrations.webhooks import events
from orders import merge_patch, uploads
from orders.models import FINAL_STATUSES, Hop, Order, OrderEvent, Result, Status

# Any keys of the engine's API (orders/api/README.md, "Reporting a result"), validated: `status`, `name`, `summary`, …;
# `score` is `{raw, min, max}`; None clears.
ResultChanges = Mapping[str, Any]

RESULT_COLUMNS = ("status", "assessment_date", "submission_date", "name", "summary", "score_label")
SCORE_KEYS = ("raw", "min", "max")
WRITTEN_COLUMNS = ("status", "accepted_at", "lease_expires_at", "reopened_at", "reminded_at", "updated_at")


class CorrectionRequiredError(ConflictError):
    """The change needs the reason of a correction."""


def lock_order(order_id: str) -> Order:
    """Return the order, locked until the end of the transaction. Raises NotFound, or GoneError after an erasure."""
    orders = Order.objects.select_for_update(of=("self",)).select_related("connection", "package")
    order = orders.filter(pk=order_id).first()
    if order is None:
        raise NotFound("There is no order with this id.")
    if order.erased_at is not None:
        raise GoneError
    return order


@transaction.atomic
def report(order_id: str, changes: ResultChanges, *, by: str, hop: Hop = Hop.ENGINE, correction: str = "") -> Order:
    """Store the changes and queue them for SmartRecruiters, as one delivery. Accepts an order that is not accepted.

    A report without a change is allowed in any status and not sent. `correction` is the reason for the timeline.
    Raises CorrectionRequiredError without it for a change after a final status, or back to PENDING. A correction back
    to PENDING starts a new term until the reminder and until expiry.
    """
    order = lock_order(order_id)
    altered = _changed_rows(order, changes)
    reasons = list(filter(None, (_correction_reason(order, row, new) for row, new in altered)))
    if reasons and not correction.strip():
        raise CorrectionRequiredError(f'{reasons[0]} Send "correction" with the reason for the change.')
    accepts = order.accepted_at is None and not order.is_final
    if accepts:
        order.accepted_at, order.lease_expires_at = clock.now(), None
    for row, new in altered:
        _save_row(order, row, new)
    if reasons and _new_status(altered) == Status.PENDING:
        # Otherwise the next run of the expiry would undo the correction.
        order.reopened_at, order.reminded_at = clock.now(), None
    if altered or accepts:
        order.save(update_fields=WRITTEN_COLUMNS)
    if altered:
        changed = dict.fromkeys(_field_path(row, name) for row, new in altered for name in new)
        detail: dict[str, Any] = {"changed": list(changed)}
        status = _new_status(altered)
        what = f"Reported as {Status(status).label.lower()}" if status else "Result changed"
        if reasons:
            what, detail["correction"] = f"Corrected: {what}", correction
        OrderEvent.objects.create(order=order, hop=hop, what=what, by=by, detail=detail)
        if status:
            metrics.count_on_commit(metrics.REPORTS, status=status)
        if status == Status.EXPIRED:
            events.record_order_event(EventType.ORDER_EXPIRED, order.pk)
        enqueue_result(order)
    return order


def preview_report(order: Order, changes: ResultChanges) -> tuple[merge_patch.Document, Result | None]:
    """Return the patch that a report would send, and the package's result after it, without storing it."""
    rows = {row.assessment_id: row for row in order.results.all()}
    for row, new in _changed_rows(order, changes):
        rows[row.assessment_id] = row
        for name, value in new.items():
            setattr(row, name, value)
    return merge_patch.resolve_urls(merge_patch.build_patch(order, rows.values())), rows.get("")


def enqueue_result(order: Order) -> None:
    """Queue the current result of a locked order for SmartRecruiters."""
    uploads.plan_uploads(order)
    # Before the patch is built, which depends on the earlier patches that may have been sent.
    deliveries.cancel_by_key([merge_patch.result_key(order)], deliveries.SUPERSEDED_REASON)
    if document := merge_patch.build_patch(order):
        deliveries.enqueue(
            "result",
            stream=order.connection.stream_name,
            key=merge_patch.result_key(order),
            payload=document,
            priority=Priority.RESULT,
            subject=order.pk,
        )


def _changed_rows(order: Order, changes: ResultChanges) -> list[tuple[Result, dict[str, Any]]]:
    """Return the rows that would change, with their new column values. New rows are included, unsaved."""
    rows = {row.assessment_id: row for row in order.results.all()}
    altered = []
    for assessment_id, part in _split_changes(changes):
        row = rows.get(assessment_id) or Result(order=order, assessment_id=assessment_id)
        if new := {name: value for name, value in _result_columns(part).items() if getattr(row, name) != value}:
            altered.append((row, new))
    return altered


def _split_changes(changes: ResultChanges) -> Iterator[tuple[str, ResultChanges]]:
    """Yield (assessment id, its changes), the package first with an empty id."""
    yield "", {key: value for key, value in changes.items() if key != "assessment_results"}
    for part in changes.get("assessment_results", []):
        yield part["assessment_id"], part


def _result_columns(part: ResultChanges) -> dict[str, Any]:
    columns = {name: part[name] for name in RESULT_COLUMNS if name in part}
    if "assessment_package_date" in part:
        columns["assessment_date"] = part["assessment_package_date"]
    if "score" in part:
        columns |= {f"score_{name}": part["score"] and part["score"][name] for name in SCORE_KEYS}
    return columns


def _new_status(altered: list[tuple[Result, dict[str, Any]]]) -> str | None:
    """Return the new status of the package, or None if it does not change."""
    return altered[0][1].get("status") if altered and altered[0][0].assessment_id == "" else None


def _field_path(row: Result, name: str) -> str:
    name = "score" if name.removeprefix("score_") in SCORE_KEYS else name
    return f"{row.assessment_id}.{name}" if row.assessment_id else name


def _correction_reason(order: Order, row: Result, new: ResultChanges) -> str:
    """Return the reason why the change needs a correction, or "". Recruiters are notified of each change of status."""
    if order.is_final:
        return f"The order is {order.status}."
    if row.status in FINAL_STATUSES:
        return f"The assessment {row.assessment_id} is {row.status}."
    if row.status == Status.IN_PROGRESS and new.get("status") == Status.PENDING:
        return "IN_PROGRESS does not go back to PENDING."
    return ""


def _save_row(order: Order, row: Result, new: ResultChanges) -> None:
    for name, value in new.items():
        setattr(row, name, value)
    row.save()
    if row.assessment_id == "" and "status" in new:
        order.status = row.status
