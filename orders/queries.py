"""Orders as they are looked at, in few queries however many there are."""

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat

from integrations.outbox.models import Delivery, DeliveryState
from orders.models import Order


def for_engine() -> QuerySet[Order]:
    """With all that `OrderSerializer` shows; `newest_delivery` is the state of the newest result's, None before it."""
    sent = Delivery.objects.filter(key=Concat(OuterRef("pk"), Value(":result")))
    newest = sent.exclude(state=DeliveryState.SUPERSEDED).order_by("-pk").values("state")[:1]
    return (
        Order.objects.filter(erased_at=None)
        .select_related("connection")
        .prefetch_related("results", "attachments")
        .annotate(newest_delivery=Subquery(newest))
    )
