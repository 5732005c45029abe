"""Orders as they are looked at, in few queries however many there are."""

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from integrations.models import Customer
from integrations.outbox.models import Delivery, DeliveryState
from orders.models import Order


def with_delivery() -> QuerySet[Order]:
    """`newest_delivery` is the state of the newest result's delivery, None before there is one."""
    sent = Delivery.objects.filter(key=Concat(OuterRef("pk"), Value(":result")))
    newest = sent.exclude(state=DeliveryState.SUPERSEDED).order_by("-pk").values("state")[:1]
    return Order.objects.filter(erased_at=None).annotate(newest_delivery=Subquery(newest))


def for_engine() -> QuerySet[Order]:
    """With all that `OrderSerializer` shows."""
    return with_delivery().select_related("connection").prefetch_related("results", "attachments")


def of_customer(customer: Customer | None) -> QuerySet[Order]:
    """An organisation's own orders, newest first; of no organisation, none."""
    if customer is None:
        return Order.objects.none()
    mine = with_delivery().filter(connection__customer=customer)
    return mine.select_related("connection", "package").order_by("-created_at", "-pk")
