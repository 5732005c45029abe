"""Reminder emails to invited candidates that have not started, once in each term of an order."""

from datetime import datetime, timedelta

from django.db import transaction

from assessments.models import Package
from integrations import mail
from integrations.models import ConnectionState
from integrations.outbox import clock, deliveries
from orders import queries
from orders.models import Order, OrderQuerySet, Status

# A package that is given reminders later does not remind the candidates of past years.
REMINDER_WINDOW = timedelta(days=7)


def remind_due() -> int:
    """Queue the reminders that are due, each in a transaction of its own. Return how many there were."""
    now = clock.now()
    packages = Package.objects.exclude(remind_after_days=None).filter(invite_candidate=True)
    due = queries.take_batch(_due_orders(package, now) for package in packages)
    return sum(_enqueue_reminder(order, now) for order in due)


def _due_orders(package: Package, now: datetime) -> OrderQuerySet:
    before = now - timedelta(days=package.remind_after_days or 0)
    orders = _unstarted_orders().filter(package=package, visited_at=None, is_inline=False)
    orders = orders.with_term_started_before(before).with_term_started_since(before - REMINDER_WINDOW)
    if package.expires_after_days is not None:  # see expiry.has_expired
        orders = orders.with_term_started_since(now - timedelta(days=package.expires_after_days))
    orders = orders.exclude(connection__state=ConnectionState.DISABLED).select_related("connection")
    return orders.order_by("created_at")


def _unstarted_orders() -> OrderQuerySet:
    return Order.objects.with_status(Status.PENDING).filter(reminded_at=None, erased_at=None)


@transaction.atomic
def _enqueue_reminder(order: Order, now: datetime) -> bool:
    """Return False if the order was reminded, started or erased in the meantime."""
    if _unstarted_orders().filter(pk=order.pk).update(reminded_at=now) != 1:
        return False
    stream = mail.get_candidate_stream(order.connection.customer_id)
    deliveries.enqueue("reminder", stream=stream, key=f"{order.pk}:reminder", subject=order.pk)
    return True
