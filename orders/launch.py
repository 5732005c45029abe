"""The candidate's way: take_url → launch_url → return_url (INTERFACE.md, "Order")."""

from django.db import transaction

from integrations.http import trusted_origins
from integrations.outbox import clock
from orders import links, results
from orders.models import Hop, Order, OrderEvent, Status


def get_by_token(token: str) -> Order | None:
    """Whose link this is."""
    orders = Order.objects.select_related("package", "connection__customer")
    return orders.filter(link_token_hash=links.hash_token(token)).first()


@transaction.atomic
def start_assessment(order_id: str) -> Order:
    """The candidate goes on to the assessment. That makes an order without any report IN_PROGRESS."""
    order = results.lock_order(order_id)
    if order.visited_at is None:
        order.visited_at = clock.now()
        order.save(update_fields=["visited_at", "updated_at"])
        OrderEvent.objects.create(order=order, hop=Hop.CANDIDATE, what="Went to the assessment", by="candidate")
    if not order.results.exists():
        order = results.report(order_id, {"status": Status.IN_PROGRESS}, by="candidate", hop=Hop.CANDIDATE)
    return order


def resolve_callback_url(order: Order) -> tuple[str, bool]:
    """Where an inline candidate goes when he is done, and whether we trust that host enough to send him there.

    Looked at again at every use: the row may be old, and the list of trusted origins another (RELIABILITY.md, O29).
    """
    url = order.completed_callback_url
    parts = trusted_origins.parse_url(url)
    if parts is None:
        return "", False
    return (url, True) if trusted_origins.is_trusted(url) else (url if parts[0] == "https" else "", False)
