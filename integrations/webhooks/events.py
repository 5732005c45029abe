"""What engines hear of: recorded in the transaction that it follows from, numbered after commit, sent on."""

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
    """Record an event of an order. Call it in the transaction of what it follows from."""
    url = f"{settings.PUBLIC_URL}/api/vendor/v1/orders/{order_id}"
    Event.objects.create(type=event_type, content={"order": order_id, "url": url})


def record_connection_event(event_type: EventType, connection: Connection) -> None:
    Event.objects.create(
        type=event_type, content={"customer": connection.customer_id, "company_id": connection.company_id}
    )


def build_body(event: Event) -> dict[str, Any]:
    """The thin body: `{"type", "timestamp", "data"}`."""
    return {"type": event.type, "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", "data": event.content}


def assign_numbers() -> int:
    """Give every committed event its number, in one order that no later commit disturbs. Returns how many got one.

    One holder at a time, by a lease: who comes second leaves it to the first. Each numbered event is queued for the
    webhooks that subscribed before it happened.
    """
    if not Event.objects.filter(number=None).exists():
        return 0
    return leases.run_exclusively(NUMBERING_STREAM, LEASE_SECONDS, _assign_under_lease)


@transaction.atomic
def _assign_under_lease(lease: leases.Lease) -> int:
    lease.update_stream(
        woken_at=None
    )  # the row is locked until commit: a holder whose lease ran out cannot number beside us
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
    """The sequence key of a message to an endpoint."""
    return f"{webhook.pk}:{message_id}"


def enqueue_message(webhook: Webhook, message_id: str, content: dict[str, Any]) -> None:
    """Queue one message for one endpoint. `message_id` is the same at every try."""
    deliveries.enqueue(
        "webhook",
        stream=webhook.stream_name,
        key=sequence_key(webhook, message_id),
        subject=content["data"].get("order") or content["data"].get("company_id", ""),
        payload={"webhook": webhook.pk, "id": message_id, "body": content},
    )
