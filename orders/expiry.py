"""Orders that nobody began in time."""

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from assessments.models import Package
from integrations.api.errors import GoneError
from integrations.outbox import clock
from orders import results
from orders.models import Hop, Order, Status

NOT_STARTED = ("", Status.PENDING)
BATCH_SIZE = 200
"""In one run: the worker that does it wakes the couriers too, and the next run goes on."""


def has_expired(order: Order, now: datetime) -> bool:
    """Reported as expired, or past its days before anybody began. Who has begun may finish."""
    if order.status not in NOT_STARTED:
        return order.status == Status.EXPIRED
    end = compute_expiry(order)
    return end is not None and now > end


def compute_expiry(order: Order) -> datetime | None:
    """Until when the candidate may begin, where that ends."""
    days = order.package.expires_after_days
    return None if days is None else order.created_at + timedelta(days=days)


def expire_due() -> int:
    """Report what is past its days as EXPIRED, so that the recruiter learns of it. Returns how many there were."""
    packages = Package.objects.exclude(expires_after_days=None)
    found = islice((order for package in packages for order in _due_orders(package)[:BATCH_SIZE]), BATCH_SIZE)
    return sum(expire_order(order.pk) for order in list(found))


@transaction.atomic
def expire_order(order_id: str) -> bool:
    """False when the candidate began, somebody reported, or he was erased, a moment ago: who has begun may finish."""
    try:
        if results.lock_order(order_id).status not in NOT_STARTED:
            return False
        results.report(order_id, {"status": Status.EXPIRED}, by="portal", hop=Hop.ENGINE)
    except GoneError:
        return False
    return True


def _due_orders(package: Package) -> QuerySet[Order]:
    before = clock.now() - timedelta(days=package.expires_after_days or 0)
    return package.orders.filter(status__in=NOT_STARTED, erased_at=None, created_at__lt=before).order_by("created_at")
