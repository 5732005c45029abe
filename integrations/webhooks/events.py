"""Webhook events for engines: recorded in the transaction of their cause, numbered after commit, then queued."""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from integrations.models import Connection, Event, EventType, Webhook
from integrations.outbox import deliveries, failpoints, leases

NUMBERING_STREAM = "events"
LEASE_SECONDS = 10
BATCH_SIZE = 500


def record_order_event(event_type: EventType, order_id: str) -> None:
    """Record an event of an order. Call it in the transaction of its cause."""
    url = f"{settings.PUBLIC_URL}/api/vendor/v1/orders/{order_id}"
    Event.objects.create(type=event_type, content={"order": order_id, "url": url})


def record_connection_event(event_type: EventType, connection: Connection) -> None:
    Event.objects.create(
        type=event_type, content={"customer": connection.customer_id, "company_id": connection.company_id}
    )


def build_body(event: Event) -> dict[str, Any]:
    """Build the body of a message, without personal data: `{"type", "timestamp", "data"}`."""
    return {"type": event.type, "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", "data": event.content}


def assign_numbers() -> int:
    """Number the committed events, queue them for the subscribed webhooks, and return how many there were.

    Numbers are cursors, so an event that is committed late must not get a lower number than one that was listed
    already. A lease lets one process at a time assign them; returns 0 if another one does.
    """
    if not Event.objects.filter(number=None).exists():
        return 0
    return leases.run_exclusively(NUMBERING_STREAM, LEASE_SECONDS, _assign_under_lease)


@transaction.atomic
def _assign_under_lease(lease: leases.Lease) -> int:
    lease.update_stream(woken_at=None)  # locks the row until commit, against a holder whose lease has expired
    last = Event.objects.aggregate(last=Max("number"))["last"] or 0
    failpoints.maybe_crash("before_numbering")
    fresh = list(Event.objects.filter(number=None).order_by("pk")[:BATCH_SIZE])
    webhooks = list(Webhook.objects.filter(client__revoked_at=None)) if fresh else []
    for event in fresh:
        last += 1
        event.number = last
        event.save(update_fields=["number"])
        for webhook in webhooks:
            if event.type in webhook.events and webhook.created_at <= event.at:
                enqueue_message(webhook, event.public_id, build_body(event))
    return len(fresh)


def sequence_key(webhook: Webhook, message_id: str) -> str:
    """Return the sequence key of a message to an endpoint."""
    return f"{webhook.pk}:{message_id}"


def enqueue_message(webhook: Webhook, message_id: str, content: dict[str, Any]) -> None:
    """Queue a message for an endpoint. `message_id` is its `webhook-id` at every attempt."""
    deliveries.enqueue(
        "webhook",
        stream=webhook.stream_name,
        key=sequence_key(webhook, message_id),
        subject=content["data"].get("order") or content["data"].get("company_id", ""),
        payload={"webhook": webhook.pk, "id": message_id, "body": content},
    )
