"""Candidates who were invited and have not begun: they are written to again, once."""

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from assessments.models import Package
from integrations.models import ConnectionState
from integrations.outbox import clock, deliveries
from orders.expiry import BATCH_SIZE, NOT_STARTED, has_expired
from orders.models import Order

REMINDER_WINDOW = timedelta(days=7)
"""Nobody is reminded later than this after the day: a package that begins to remind does not write to last year's."""


def remind_due() -> int:
    """Decide the reminders that are due now, each with its order in one transaction. Returns how many there were."""
    now = clock.now()
    packages = Package.objects.exclude(remind_after_days=None).filter(invite_candidate=True)
    due = (
        order for package in packages for order in _due_orders(package, now)[:BATCH_SIZE] if not has_expired(order, now)
    )
    return sum(_enqueue_reminder(order, now) for order in list(islice(due, BATCH_SIZE)))


def _due_orders(package: Package, now: datetime) -> QuerySet[Order]:
    before = now - timedelta(days=package.remind_after_days or 0)
    waiting = package.orders.filter(status__in=NOT_STARTED, visited_at=None, reminded_at=None, erased_at=None)
    invited = waiting.filter(is_inline=False, created_at__lt=before, created_at__gte=before - REMINDER_WINDOW)
    invited = invited.exclude(connection__state=ConnectionState.DISABLED)
    return invited.select_related("package").order_by("created_at")


@transaction.atomic
def _enqueue_reminder(order: Order, now: datetime) -> bool:
    """False when somebody else did, or the order has ended, a moment ago."""
    waiting = Order.objects.filter(pk=order.pk, reminded_at=None, status__in=NOT_STARTED, erased_at=None)
    if waiting.update(reminded_at=now) != 1:
        return False
    deliveries.enqueue("reminder", stream="email", key=f"{order.pk}:reminder", subject=order.pk, payload={})
    return True
