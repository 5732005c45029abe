"""Orders as they are looked at, in few queries however many there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from integrations.models import Connection, Customer
from integrations.outbox.models import Delivery, DeliveryState, Priority
from orders.models import FINAL_STATUSES, Order, Result, Status

S = DeliveryState
MAX_SEARCH_TERMS = 5
"""Of a search; the rest is not looked at."""


def with_newest_delivery() -> QuerySet[Order]:
    """`newest_delivery` is the state of the newest result's delivery, None before there is one."""
    sent = Delivery.objects.filter(key=Concat(OuterRef("pk"), Value(":result")))
    newest = sent.exclude(state=DeliveryState.SUPERSEDED).order_by("-pk").values("state")[:1]
    return Order.objects.filter(erased_at=None).annotate(newest_delivery=Subquery(newest))


def for_engine() -> QuerySet[Order]:
    """With all that `OrderSerializer` shows."""
    return with_newest_delivery().select_related("connection").prefetch_related("results", "attachments")


def for_customer(customer: Customer | None) -> QuerySet[Order]:
    """An organisation's own orders, newest first; of no organisation, none."""
    if customer is None:
        return Order.objects.none()
    mine = with_newest_delivery().filter(connection__customer=customer)
    whole = Prefetch("results", Result.objects.filter(assessment_id=""), to_attr="package_results")
    related = mine.select_related("connection", "package").prefetch_related(whole, "attachments")
    return related.order_by("-created_at", "-pk")


def filter_orders(orders: QuerySet[Order], *, search: str, status: str, company: str) -> QuerySet[Order]:
    """Those whose candidate's name or address holds each word, or of this id; of this status, of this company."""
    for word in search.split()[:MAX_SEARCH_TERMS]:
        names = Q(candidate_first_name__icontains=word) | Q(candidate_last_name__icontains=word)
        ids = Q(pk=word) | Q(smartrecruiters_order_id=word)
        orders = orders.filter(names | ids | Q(candidate_email__icontains=word))
    if status:
        orders = orders.filter(status__in=["", status] if status == Status.PENDING else [status])
    return orders.filter(connection__company_id=company) if company else orders


@dataclass
class ConnectionHealth:
    """How a connection does: what came and went last, and what does not get through."""

    last_order_at: datetime | None = None
    open_orders: int = 0
    """Orders that are not at their end."""
    last_result_at: datetime | None = None
    waiting: int = 0
    retried: int = 0
    """Of those that wait: after a failure."""
    next_at: datetime | None = None
    failed: int = 0


def load_connection_health(connections: Iterable[Connection]) -> dict[int, ConnectionHealth]:
    """By connection, in two queries."""
    streams = {each.stream_name: each.pk for each in connections}
    found = {pk: ConnectionHealth() for pk in streams.values()}
    orders = Order.objects.filter(connection__in=found).order_by().values("connection")
    running = Count("pk", filter=Q(erased_at=None) & ~Q(status__in=FINAL_STATUSES))
    for row in orders.annotate(last_order=Max("created_at"), running=running):
        found[row["connection"]].last_order_at, found[row["connection"]].open_orders = row["last_order"], row["running"]
    results = (
        Delivery.objects.filter(stream__name__in=streams, priority=Priority.RESULT).order_by().values("stream__name")
    )
    waits = Q(state__in=[S.PENDING, S.IN_FLIGHT, S.HELD])
    again = Q(state=S.PENDING, failures__gt=0)
    for came in results.annotate(
        last_result=Max("finished_at", filter=Q(state=S.DELIVERED)),
        waiting=Count("pk", filter=waits),
        retried=Count("pk", filter=again),
        next_at=Min("due_at", filter=again),
        failed=Count("pk", filter=Q(state__in=[S.FAILED, S.UNKNOWN])),
    ):
        health = found[streams[came["stream__name"]]]
        health.last_result_at, health.next_at = came["last_result"], came["next_at"]
        health.waiting, health.retried, health.failed = came["waiting"], came["retried"], came["failed"]
    return found
