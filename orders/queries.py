"""Read queries for orders: a fixed number of queries, however many rows there are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from django.db.models import Count, Max, Min, Prefetch, Q, QuerySet

from integrations.models import Connection, Customer
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Priority
from orders.models import FINAL_STATUSES, Order, OrderQuerySet, Result

S = DeliveryState
MAX_SEARCH_TERMS = 5
# One run of a periodic job: the same worker also wakes the couriers, and the next run continues.
BATCH_SIZE = 200


def for_engine() -> OrderQuerySet:
    """Return all orders that are not erased, with everything that `OrderSerializer` reads."""
    orders = Order.objects.filter(erased_at=None).with_newest_result()
    return orders.select_related("connection").prefetch_related("results", "attachments")


def for_customer(customer: Customer | None) -> OrderQuerySet:
    """Return the customer's orders, newest first; an empty queryset without a customer."""
    if customer is None:
        return Order.objects.none()
    orders = Order.objects.filter(erased_at=None, connection__customer=customer).with_newest_result()
    package_results = Prefetch("results", Result.objects.filter(assessment_id=""), to_attr="package_results")
    return orders.select_related("connection", "package").prefetch_related(package_results, "attachments")


def filter_orders(orders: OrderQuerySet, *, search: str, status: str, company: str) -> OrderQuerySet:
    """Filter by search terms (in the candidate's name or email, or an exact order id), status and company id."""
    for term in search.split()[:MAX_SEARCH_TERMS]:
        names = Q(candidate_first_name__icontains=term) | Q(candidate_last_name__icontains=term)
        ids = Q(pk=term) | Q(smartrecruiters_order_id=term)
        orders = orders.filter(names | ids | Q(candidate_email__icontains=term))
    if status:
        orders = orders.with_status(status)
    return orders.filter(connection__company_id=company) if company else orders


def take_batch(querysets: Iterable[QuerySet[Order]]) -> list[Order]:
    """Return the first BATCH_SIZE orders of these querysets, one queryset after the other."""
    return list(islice(chain.from_iterable(rows[:BATCH_SIZE] for rows in querysets), BATCH_SIZE))


@dataclass
class ConnectionHealth:
    """A connection's traffic: its last order and result, and the results that have not arrived."""

    last_order_at: datetime | None = None
    open_orders: int = 0  # without a final status
    last_result_at: datetime | None = None
    waiting: int = 0
    retried: int = 0  # part of `waiting`: pending after a failure, or in a paused stream
    held: int = 0  # part of `waiting`
    next_at: datetime | None = None  # the next retry
    failed: int = 0


def load_connection_health(connections: Iterable[Connection]) -> dict[int, ConnectionHealth]:
    """Return the health of each connection by primary key, in two queries."""
    streams = {connection.stream_name: connection.pk for connection in connections}
    health_by_pk = {pk: ConnectionHealth() for pk in streams.values()}
    orders = Order.objects.filter(connection__in=health_by_pk).order_by().values("connection")
    is_open = Q(erased_at=None) & ~Q(status__in=FINAL_STATUSES)
    for row in orders.annotate(last=Max("created_at"), open=Count("pk", filter=is_open)):
        health = health_by_pk[row["connection"]]
        health.last_order_at, health.open_orders = row["last"], row["open"]
    results = Delivery.objects.filter(stream__name__in=streams, priority=Priority.RESULT)
    is_retried = Q(state=S.PENDING) & (Q(failures__gt=0) | Q(stream__paused_until__gt=clock.now()))
    columns: dict[str, Any] = {
        "last_result_at": Max("finished_at", filter=Q(state=S.DELIVERED)),
        "waiting": Count("pk", filter=Q(state__in=[S.PENDING, S.IN_FLIGHT, S.HELD])),
        "retried": Count("pk", filter=is_retried),
        "held": Count("pk", filter=Q(state=S.HELD)),
        "next_at": Min("due_at", filter=is_retried),
        "paused_until": Max("stream__paused_until", filter=is_retried),
        "failed": Count("pk", filter=Q(state__in=[S.FAILED, S.UNKNOWN])),
    }
    figures: Any = results.order_by().values("stream__name").annotate(**columns)
    for row in figures:
        health, paused_until = health_by_pk[streams[row.pop("stream__name")]], row.pop("paused_until")
        for name, figure in row.items():
            setattr(health, name, figure)
        if health.next_at and paused_until:
            health.next_at = max(health.next_at, paused_until)
    return health_by_pk
