"""Is all that was reported confirmed by SmartRecruiters, or on its way, or in the open as held, unknown or failed?

The crash suite asks the same question with the same code (RELIABILITY.md, section 4, decision 17).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState
from orders import merge_patch
from orders.models import Order, Reconciliation, Result

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
NOTHING_SENT = "reported, and nothing of it is confirmed or on its way"
OUTDATED_SENT = "what is confirmed or on its way is not what was reported last"


def reconcile(*, since: datetime | None = None) -> Reconciliation:
    """Compare, keep the outcome as a row, and return it. Every order is looked at for what became of its last report;
    `since` spares those that did not change after it the comparison of contents."""
    counts: Counter[str] = Counter()
    gaps: dict[str, str] = {}
    for order, delivery in _iterate_reported():
        if why := _find_gap(order, delivery, since):
            why = _find_gap_locked(order.pk)
        if why:
            gaps[order.pk] = why
        elif delivery is not None:
            counts[COLUMN_BY_STATE[S(delivery.state)]] += 1
    reported = counts.total() + len(gaps)
    named = dict(list(gaps.items())[:MAX_LISTED_GAPS])
    row = Reconciliation.objects.create(reported=reported, **counts, gap=len(gaps), gaps=named)
    Reconciliation.objects.filter(at__lt=row.at - RETENTION_PERIOD).delete()
    if gaps:
        log.error("reported results are neither confirmed nor on their way", count=len(gaps), orders=list(named)[:10])
    return row


def reconcile_recent() -> Reconciliation:
    """What the hourly job does."""
    return reconcile(since=clock.now() - timedelta(days=1))


def _reported_orders() -> QuerySet[Any]:
    of_order = Delivery.objects.filter(key=Concat(OuterRef("pk"), Value(":result")))
    return Order.objects.filter(Exists(Result.objects.filter(order=OuterRef("pk"))), erased_at=None).annotate(
        newest_id=Subquery(of_order.exclude(state=S.SUPERSEDED).order_by("-pk").values("pk")[:1])
    )


def _iterate_reported() -> Iterator[tuple[Order, Delivery | None]]:
    """Orders of which something was reported, each with the delivery that counts."""
    batch: list[Order] = []
    for order in _reported_orders().order_by("pk").iterator(chunk_size=500):
        batch.append(order)
        if len(batch) == 500:
            yield from _with_deliveries(batch)
            batch = []
    yield from _with_deliveries(batch)


def _with_deliveries(orders: Sequence[Any]) -> Iterator[tuple[Order, Delivery | None]]:
    found = Delivery.objects.in_bulk([order.newest_id for order in orders if order.newest_id])
    for order in orders:
        yield order, found.get(order.newest_id)


def _find_gap(order: Order, delivery: Delivery | None, since: datetime | None) -> str:
    """Why this report is lost, as far as one look can tell."""
    if delivery is not None and since is not None and order.updated_at < since:
        return ""
    document = merge_patch.build_patch(order)
    wanted = _comparable_content(order, document)
    if delivery is None:
        return NOTHING_SENT if wanted else ""
    told = merge_patch.comparable(delivery.payload, document)
    return "" if _comparable_content(order, told) == wanted else OUTDATED_SENT


def _comparable_content(order: Order, document: merge_patch.Document) -> merge_patch.Document:
    """What the patch says. Attachments wait until a status is reported."""
    said = merge_patch.drop_empty(document)
    return said if order.status else {key: value for key, value in said.items() if key not in merge_patch.ARRAY_KEYS}


@transaction.atomic
def _find_gap_locked(order_id: str) -> str:
    """The same question while nobody reports."""
    order = _reported_orders().select_for_update(of=("self",)).filter(pk=order_id).first()
    if order is None:
        return ""
    return _find_gap(order, Delivery.objects.filter(pk=order.newest_id).first(), None)
