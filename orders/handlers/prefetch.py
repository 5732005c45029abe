"""Prefetching for the handlers of an order's deliveries: one query each for all deliveries of a courier's cycle."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef

from integrations.models import PartnerConfiguration
from integrations.outbox.handlers import get_handler
from integrations.outbox.models import Delivery
from orders import uploads
from orders.models import Order, Upload, UploadState


@dataclass
class OrderContext:
    """Context of a delivery, as of the start of the cycle. `results` are all of its order, oldest first."""

    order: Order
    configuration: PartnerConfiguration
    awaits_upload: bool
    results: list[Delivery] = field(default_factory=list)

    @cached_property
    def unresolved_uploads(self) -> list[Delivery]:
        """The order's uploads with an unknown outcome, as of the first access."""
        return uploads.unresolved_deliveries(self.order.pk) if self.awaits_upload else []


def load_contexts(deliveries: Sequence[Delivery], *, with_results: bool = False) -> Mapping[int, OrderContext]:
    """Load the context of each delivery by its primary key. Deliveries without an order are left out."""
    configuration = PartnerConfiguration.load()
    awaits_upload = Exists(Upload.objects.filter(order=OuterRef("pk"), state=UploadState.PLANNED))
    orders = Order.objects.select_related("connection").annotate(awaits_upload=awaits_upload)
    by_id: Mapping[str, Any] = orders.in_bulk({delivery.subject for delivery in deliveries})
    results = _load_results(deliveries) if with_results else {}
    return {
        delivery.pk: OrderContext(order, configuration, order.awaits_upload, results.get(delivery.key, []))
        for delivery in deliveries
        if (order := by_id.get(delivery.subject))
    }


def _load_results(deliveries: Sequence[Delivery]) -> Mapping[str, list[Delivery]]:
    rows = Delivery.objects.filter(key__in={delivery.key for delivery in deliveries})
    by_key = defaultdict(list)
    for row in rows.only("pk", "key", "state", "payload").order_by("pk"):
        by_key[row.key].append(row)
    return by_key


def get_context(delivery: Delivery) -> OrderContext:
    """Return the prefetched context of the delivery, or load it. Raises Order.DoesNotExist."""
    if delivery.context is None:
        delivery.context = get_handler(delivery).prefetch([delivery]).get(delivery.pk)
    if not isinstance(delivery.context, OrderContext):
        raise Order.DoesNotExist
    return delivery.context
