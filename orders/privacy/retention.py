"""How long candidates are kept: as agreed with each customer, in days (GDPR, article 5(1)(e); RELIABILITY.md, S12).

Counted from an order's end, which is its last change once a final status was reported. An order that nobody ever ends
counts from the last that happened with it: a candidate is not kept for ever because an engine forgot him.
"""

from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef, QuerySet

from integrations import audit
from integrations.models import Customer
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState
from orders.models import Order
from orders.privacy import erasure

log = structlog.get_logger(__name__)
BATCH_SIZE = 200
"""Of one customer in one run: the worker that does it wakes the couriers too, and the next run goes on."""


def apply_policies() -> int:
    """Erase, for each customer, the orders whose days are over. Returns how many there were. Raises OSError."""
    customers = Customer.objects.exclude(retention_days=None)
    return sum(_apply_policy(customer, customer.retention_days or 0) for customer in customers)


def _apply_policy(customer: Customer, days: int) -> int:
    why = f"kept for {days} days"
    done = sum(
        _erase_order(order_id, why) for order_id in due_orders(customer, days).values_list("pk", flat=True)[:BATCH_SIZE]
    )
    if done:
        audit.record("retention.applied", customer.pk, days=days, orders=done)
        log.info("candidates erased after their time", customer=customer.pk, days=days, orders=done)
    return done


def due_orders(customer: Customer, days: int) -> QuerySet[Order]:
    """What is still to be sent goes first: it is delivered, or has failed, within a week."""
    waiting = Delivery.objects.filter(
        subject=OuterRef("pk"), state__in=[DeliveryState.PENDING, DeliveryState.IN_FLIGHT]
    )
    before = clock.now() - timedelta(days=days)
    living = Order.objects.filter(connection__customer=customer, erased_at=None, updated_at__lt=before)
    return living.exclude(Exists(waiting)).order_by("updated_at", "pk")


def _erase_order(order_id: str, reason: str) -> int:
    """This order alone: of the same candidate's other orders another customer's contract may say something else."""
    try:
        return erasure.erase_single_order(order_id, reason=reason).orders
    except erasure.DeliveryInFlightError:
        return 0
