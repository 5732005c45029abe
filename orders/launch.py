"""The candidate's path `take_url` → `launch_url` → `return_url`: see orders/api/README.md, "The life of an order"."""

from django.db import transaction

from integrations.encryption import hash_token
from integrations.http import trusted_origins
from integrations.outbox import clock
from orders import results
from orders.models import Hop, Order, OrderEvent, Status


def get_by_token(token: str) -> Order | None:
    orders = Order.objects.select_related("package", "connection__customer")
    return orders.filter(link_token_hash=hash_token(token)).first()


@transaction.atomic
def start_assessment(order_id: str) -> Order:
    """Record that the candidate continues to the assessment. Reports IN_PROGRESS if it is the first report."""
    order = results.lock_order(order_id)
    if order.visited_at is None:
        order.visited_at = clock.now()
        order.save(update_fields=["visited_at", "updated_at"])
        OrderEvent.objects.create(order=order, hop=Hop.CANDIDATE, what="Continued to the assessment", by="candidate")
    if not order.results.exists():
        order = results.report(order_id, {"status": Status.IN_PROGRESS}, by="candidate", hop=Hop.CANDIDATE)
    return order


def resolve_callback_url(order: Order) -> tuple[str, bool]:
    """Return the URL that an inline candidate returns to, and whether its origin is trusted; "" if it is invalid.

    Checked at every use, because the trusted origins may have changed (O29 in tests/reliability/README.md).
    """
    url = order.completed_callback_url
    parts = trusted_origins.parse_return_url(url)
    if parts is None:
        return "", False
    return (url, True) if trusted_origins.is_trusted(url) else (url if parts[0] == "https" else "", False)
