"""What the handlers of an order's deliveries have to know, read once for all that a round of the courier prepares.

It is kept on the delivery's instance, which lives as long as the courier has it in its hands.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from integrations.models import PartnerConfiguration
from integrations.outbox.models import Delivery
from orders import uploads
from orders.models import Order, Upload, UploadState


def prefetch_orders(deliveries: Sequence[Delivery]) -> None:
    """The orders, and the configuration by which they are sent."""
    configuration = PartnerConfiguration.load()
    awaits_upload = Exists(Upload.objects.filter(order=OuterRef("pk"), state=UploadState.PLANNED))
    orders = Order.objects.select_related("connection").annotate(awaits_upload=awaits_upload)
    found = orders.in_bulk({delivery.subject for delivery in deliveries})
    for delivery in deliveries:
        if delivery.subject in found:  # else its own call fails, and no other of the round
            vars(delivery).update(order=found[delivery.subject], configuration=configuration)


def prefetch_results(deliveries: Sequence[Delivery]) -> None:
    """What was decided to tell about the same orders, before and after."""
    alike = defaultdict(list)
    columns = ("pk", "key", "state", "payload")
    for row in Delivery.objects.filter(key__in={delivery.key for delivery in deliveries}).only(*columns).order_by("pk"):
        alike[row.key].append(row)
    for delivery in deliveries:
        vars(delivery)["results"] = alike[delivery.key]


def get_order(delivery: Delivery) -> Order:
    return _get_prefetched(delivery, "order")  # type: ignore[no-any-return]


def get_configuration(delivery: Delivery) -> PartnerConfiguration:
    return _get_prefetched(delivery, "configuration")  # type: ignore[no-any-return]


def get_results(delivery: Delivery) -> list[Delivery]:
    """All results of its order, the oldest first, as they stood when the round began."""
    if "results" not in vars(delivery):
        prefetch_results([delivery])
    return vars(delivery)["results"]  # type: ignore[no-any-return]


def get_unresolved_uploads(delivery: Delivery) -> list[Delivery]:
    """The uploads of its order of which nobody knew when its call was built."""
    if "unresolved_uploads" not in vars(delivery):
        awaits_upload = get_order(delivery).awaits_upload  # type: ignore[attr-defined]
        vars(delivery)["unresolved_uploads"] = uploads.unresolved_deliveries(delivery.subject) if awaits_upload else []
    return vars(delivery)["unresolved_uploads"]  # type: ignore[no-any-return]


def _get_prefetched(delivery: Delivery, name: str) -> Any:
    if name not in vars(delivery):
        prefetch_orders([delivery])
    return vars(delivery)[name]
