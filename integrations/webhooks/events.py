"""Webhook events for engines: recorded in the transaction of their cause, numbered after commit, then queued."""

from typing import Any

from django.conf import settings

from integrations.models import Connection, Event, EventType, Webhook
from integrations.outbox import deliveries, numbering
from integrations.outbox.sending import failpoints

NUMBERING_STREAM = "events"


def record_order_event(event_type: EventType, order_id: str) -> None:
    """Record an event of an order. Call it in the transaction of its cause."""
    url = f"{settings.PUBLIC_URL}/api/vendor/v1/orders/{order_id}"
    Event.objects.create(type=event_type, content={"order": order_id, "url": url})


def record_connection_event(event_type: EventType, connection: Connection) -> None:
    content = {"customer": connection.customer_id, "company_id": connection.company_id}
    Event.objects.create(type=event_type, content=content)


def build_body(event: Event) -> dict[str, Any]:
    """Build the body of a message, without personal data: `{"type", "timestamp", "data"}`."""
    return {"type": event.type, "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", "data": event.content}


def assign_numbers() -> int:
    """Assign numbers, the cursors, to the committed events, queue them for the webhooks, and return their count."""
    return numbering.number_rows(Event, NUMBERING_STREAM, _save_and_enqueue)


def _save_and_enqueue(events: list[Event], _last: Event | None) -> None:
    failpoints.maybe_crash("before_numbering")
    webhooks = list(Webhook.objects.filter(client__revoked_at=None))
    Event.objects.bulk_update(events, ["number"])
    deliveries.enqueue_all(
        [
            build_message(webhook, event.public_id, build_body(event))
            for event in events
            for webhook in webhooks
            if event.type in webhook.events and webhook.created_at <= event.at
        ]
    )


def sequence_key(webhook: Webhook, message_id: str) -> str:
    return f"{webhook.pk}:{message_id}"


def enqueue_message(webhook: Webhook, message_id: str, content: dict[str, Any]) -> None:
    deliveries.enqueue_all([build_message(webhook, message_id, content)])


def build_message(webhook: Webhook, message_id: str, content: dict[str, Any]) -> deliveries.Draft:
    """Build a message for an endpoint. `message_id` is its `webhook-id` at every attempt."""
    return deliveries.Draft(
        "webhook",
        stream=webhook.stream_name,
        key=sequence_key(webhook, message_id),
        subject=content["data"].get("order") or content["data"].get("company_id", ""),
        payload={"webhook": webhook.pk, "id": message_id, "body": content},
    )
