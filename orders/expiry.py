"""Expiry of orders that were not started within their package's `expires_after_days`."""

from datetime import datetime, timedelta

from django.db import transaction

from assessments.models import Package
from integrations.api.errors import GoneError
from integrations.outbox import clock
from orders import queries, results
from orders.models import Hop, Order, OrderQuerySet, Status


def has_expired(order: Order, now: datetime) -> bool:
    """Return True if the order was reported as expired, or was not started in time.

    An order that was started in time never expires by itself.
    """
    if order.reported_status != Status.PENDING:
        return order.status == Status.EXPIRED
    end = compute_expiry(order)
    return end is not None and now > end


def compute_expiry(order: Order) -> datetime | None:
    """Return the time until which the candidate may start, or None if there is no limit."""
    days = order.package.expires_after_days
    return None if days is None else order.term_started_at + timedelta(days=days)


def expire_due() -> int:
    """Report overdue orders as EXPIRED, so that the recruiter is informed. Return how many there were."""
    packages = Package.objects.exclude(expires_after_days=None)
    return sum(expire_order(order.pk) for order in queries.take_batch(_due_orders(package) for package in packages))


@transaction.atomic
def expire_order(order_id: str) -> bool:
    """Report the order as EXPIRED. Return False if it was started, reported, reopened or erased in the meantime."""
    try:
        order = results.lock_order(order_id)
        # Again, now that it is locked: a correction may have started a new term.
        if order.reported_status != Status.PENDING or not has_expired(order, clock.now()):
            return False
        results.report(order_id, {"status": Status.EXPIRED}, by="portal", hop=Hop.ENGINE)
    except GoneError:
        return False
    return True


def _due_orders(package: Package) -> OrderQuerySet:
    before = clock.now() - timedelta(days=package.expires_after_days or 0)
    orders = package.orders.with_status(Status.PENDING).filter(erased_at=None)
    return orders.with_term_started_before(before).order_by("created_at")
