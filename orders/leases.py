"""Leases of orders: engines that run in parallel take no order twice. A lease ends by acceptance or by time."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from assessments.models import DeliveredBy
from integrations.api.errors import ConflictError
from integrations.models import Client
from integrations.outbox import clock
from orders import results
from orders.models import FINAL_STATUSES, Hop, Order, OrderEvent


@transaction.atomic(savepoint=False)
def lease_orders(client: Client, *, max: int = 10, seconds: int = 60) -> list[str]:
    """Lease the oldest orders that no engine has accepted or leased. Return their ids."""
    now = clock.now()
    waiting = (
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(package__delivery=DeliveredBy.ENGINE, accepted_at=None, erased_at=None)
        .exclude(status__in=FINAL_STATUSES)
        .filter(Q(lease_expires_at=None) | Q(lease_expires_at__lte=now))
        .order_by("created_at", "pk")
    )
    ids = [order.pk for order in waiting[:max]]
    Order.objects.filter(pk__in=ids).update(
        lease_expires_at=now + timedelta(seconds=seconds), leased_by=client, updated_at=now
    )
    return ids


@transaction.atomic
def accept_order(order_id: str, *, launch_url: str = "", by: str) -> Order:
    """Accept the order, with or without a lease. Repeatable, also with another `launch_url`.

    Raises ConflictError for a final order, GoneError for an erased one, NotFound.
    """
    order = results.lock_order(order_id)
    if order.is_final:
        raise ConflictError(f"The order is {order.status} and cannot be accepted any more.")
    is_new, has_new_url = order.accepted_at is None, bool(launch_url) and launch_url != order.launch_url
    if is_new:
        order.accepted_at = clock.now()
    order.lease_expires_at, order.launch_url = None, launch_url or order.launch_url
    if is_new or has_new_url:
        order.save(update_fields=["accepted_at", "lease_expires_at", "launch_url", "updated_at"])
        what = "Accepted" if is_new else "Launch URL changed"
        OrderEvent.objects.create(order=order, hop=Hop.ENGINE, what=what, by=by)
    return order
