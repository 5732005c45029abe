"""Links that are a right by themselves: a random token, kept sealed, found again by its hash."""

import hashlib

from django.conf import settings

from orders.models import Attachment, Order


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def take_url(order: Order) -> str:
    """The candidate's way in; the same for good."""
    return f"{settings.PUBLIC_URL}/take/{order.link_token}"


def return_url(order: Order) -> str:
    return f"{take_url(order)}/done"


def report_url(attachment: Attachment) -> str:
    """Where a report is read: the engine's own address, or ours."""
    return attachment.external_url or f"{settings.PUBLIC_URL}/files/{attachment.link_token}"
