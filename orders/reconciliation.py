"""Reconciliation: every report is confirmed by SmartRecruiters, waiting, or visibly held, unknown or failed.

A report in no such state is a gap. The crash tests use this module, too (decision 17 in
tests/reliability/README.md).
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from integrations.database.chunks import iterate_in_chunks
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState
from orders import merge_patch
from orders.models import Order, OrderQuerySet, Reconciliation, Result

log = structlog.get_logger(__name__)
S = DeliveryState
COLUMN_BY_STATE = {
    S.DELIVERED: "confirmed",
    S.PENDING: "waiting",
    S.IN_FLIGHT: "waiting",
    S.HELD: "held",
    S.UNKNOWN: "unknown",
    S.FAILED: "failed",
}
RETENTION_PERIOD = timedelta(days=30)
MAX_LISTED_GAPS = 100
NOTHING_SENT = "reported, but nothing is confirmed or on its way"
OUTDATED_SENT = "what is confirmed or on its way is not the last report"


def reconcile(*, since: datetime | None = None) -> Reconciliation:
    """Compare all reported orders with their deliveries, and store and return the figures.

    With `since`, the contents are compared only for orders that changed after it; the others are only counted.
    """
    counts: Counter[str] = Counter()
    gaps: dict[str, str] = {}
    order: Any
    for order in iterate_in_chunks(_reported_orders(), chunk_size=500):
        # A report that is being stored at this moment looks like a gap, so a second look locks the order.
        if _find_gap(order, since) and (reason := _find_gap_locked(order.pk)):
            gaps[order.pk] = reason
        elif order.newest_result_id is not None:
            counts[COLUMN_BY_STATE[S(order.newest_result_state)]] += 1
    reported = counts.total() + len(gaps)
    listed = dict(list(gaps.items())[:MAX_LISTED_GAPS])
    row = Reconciliation.objects.create(reported=reported, **counts, gap=len(gaps), gaps=listed)
    Reconciliation.objects.filter(at__lt=row.at - RETENTION_PERIOD).delete()
    if gaps:
        log.error("reported results are neither confirmed nor on their way", count=len(gaps), orders=list(listed)[:10])
    return row


def reconcile_recent() -> Reconciliation:
    """Reconcile, comparing the contents of the last day only: the hourly job."""
    return reconcile(since=clock.now() - timedelta(days=1))


def _reported_orders() -> OrderQuerySet:
    has_result = Exists(Result.objects.filter(order=OuterRef("pk")))
    return Order.objects.filter(has_result, erased_at=None).with_newest_result()


def _find_gap(order: Any, since: datetime | None = None) -> str:
    """Return the reason why the report is lost, or "" if it is not."""
    if order.newest_result_id is not None and since is not None and order.updated_at < since:
        return ""
    document = merge_patch.build_patch(order)
    expected = _comparable_content(order, document)
    delivery = Delivery.objects.filter(pk=order.newest_result_id).first()
    if delivery is None:
        return NOTHING_SENT if expected else ""
    sent = merge_patch.comparable(delivery.payload, document)
    return "" if _comparable_content(order, sent) == expected else OUTDATED_SENT


def _comparable_content(order: Order, document: merge_patch.Document) -> merge_patch.Document:
    """Return the patch without empty values; without arrays, too, before a status was reported.

    An attachment is sent with the first status, so that it is no gap before.
    """
    content = merge_patch.drop_empty(document)
    if order.status:
        return content
    return {key: value for key, value in content.items() if key not in merge_patch.ARRAY_KEYS}


@transaction.atomic
def _find_gap_locked(order_id: str) -> str:
    """Look again with the order locked against reports."""
    order = _reported_orders().select_for_update(of=("self",)).filter(pk=order_id).first()
    return _find_gap(order) if order is not None else ""
