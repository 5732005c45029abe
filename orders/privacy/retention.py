"""Retention policy: candidates are erased after the number of days agreed with each customer.

GDPR, article 5(1)(e); S12 in tests/reliability/README.md. The days count from an order's last change, also when it
never reached a final status: an engine that forgets an order must not keep a candidate for ever.
"""

from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef

from integrations import audit
from integrations.models import Customer
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState
from orders import queries
from orders.models import Order, OrderQuerySet
from orders.privacy import erasure

log = structlog.get_logger(__name__)


def apply_policies() -> int:
    """Erase the orders whose retention period is over, a batch for each customer.

    Return how many there were. Raises OSError if the erasure log cannot be written.
    """
    customers = Customer.objects.exclude(retention_days=None)
    return sum(_apply_policy(customer, customer.retention_days or 0) for customer in customers)


def _apply_policy(customer: Customer, days: int) -> int:
    due = queries.take_batch([due_orders(customer, days)])
    erased = sum(_erase_order(order.pk, customer, days) for order in due)
    if erased:
        audit.record("retention.applied", customer.pk, days=days, orders=erased)
        log.info("candidates erased after the retention period", customer=customer.pk, days=days, orders=erased)
    return erased


def due_orders(customer: Customer, days: int) -> OrderQuerySet:
    """Return the orders to erase, oldest first. An order with an unsent delivery waits until that has ended."""
    unsent = Delivery.objects.filter(subject=OuterRef("pk"), state__in=[DeliveryState.PENDING, DeliveryState.IN_FLIGHT])
    before = clock.now() - timedelta(days=days)
    orders = Order.objects.filter(connection__customer=customer, erased_at=None, updated_at__lt=before)
    return orders.exclude(Exists(unsent)).order_by("updated_at", "pk")


def _erase_order(order_id: str, customer: Customer, days: int) -> int:
    """Erase this order only: the candidate's orders of other customers are under other contracts."""
    # A batch takes a while. Meanwhile somebody may have corrected the order, and its days count anew.
    if not due_orders(customer, days).filter(pk=order_id).exists():
        return 0
    try:
        return erasure.erase_single_order(order_id, reason=f"kept for {days} days").orders
    except erasure.DeliveryInFlightError:
        return 0
