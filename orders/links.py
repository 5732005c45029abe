"""URLs with a bearer token. The token is stored encrypted, and looked up by its hash."""

from django.conf import settings

from orders.models import Attachment, Order


def take_url(order: Order) -> str:
    """Return the candidate's link, which never changes."""
    return f"{settings.PUBLIC_URL}/take/{order.link_token}"


def return_url(order: Order) -> str:
    return f"{take_url(order)}/done"


def report_url(attachment: Attachment) -> str:
    """Return the URL of a report, at the engine or here."""
    return attachment.external_url or f"{settings.PUBLIC_URL}/files/{attachment.link_token}"
