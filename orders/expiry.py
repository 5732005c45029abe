"""Orders that nobody began in time."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from assessments.models import Package
from integrations.api.errors import Conflict, Gone
from integrations.outbox import clock
from orders import results
from orders.models import Hop, Order, Status

UNBEGUN = ("", Status.PENDING)
BATCH = 500


def has_expired(order: Order, now: datetime) -> bool:
    """Reported as expired, or past its days before anybody began. Who has begun may finish."""
    if order.status not in UNBEGUN:
        return order.status == Status.EXPIRED
    end = end_of(order)
    return end is not None and now > end


def end_of(order: Order) -> datetime | None:
    """Until when the candidate may begin, where that ends."""
    days = order.package.expires_after_days
    return None if days is None else order.created_at + timedelta(days=days)


def expire_due() -> int:
    """Report what is past its days as EXPIRED, so that the recruiter learns of it. Returns how many there were."""
    found = [order for package in Package.objects.exclude(expires_after_days=None) for order in _due(package)[:BATCH]]
    for order in found:
        try:
            results.report(order.pk, {"status": Status.EXPIRED}, by="portal", hop=Hop.ENGINE)
        except (Conflict, Gone):
            continue  # somebody reported, or the candidate was erased, a moment ago
    return len(found)


def _due(package: Package) -> QuerySet[Order]:
    before = clock.now() - timedelta(days=package.expires_after_days or 0)
    return package.orders.filter(status__in=UNBEGUN, erased_at=None, created_at__lt=before).order_by("created_at")
