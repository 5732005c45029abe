"""Operations on webhook endpoints: register, change, rotate the secret, test, disable, remove."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from integrations import audit
from integrations.models import Client, Event, Webhook
from integrations.outbox import clock, deliveries
from integrations.webhooks import events
from integrations.webhooks.signing import make_secret

ROTATION_OVERLAP = timedelta(days=1)


@transaction.atomic
def register(client: Client, *, url: str, events: list[str]) -> Webhook:
    """Register an endpoint with a new secret. It receives the events from now on."""
    webhook = Webhook(client=client, url=url, events=list(dict.fromkeys(events)))
    webhook.secret = make_secret()
    webhook.save()
    return webhook


@transaction.atomic
def update(webhook: Webhook, **changes: Any) -> Webhook:
    """Change the URL or the events. A disabled endpoint is enabled again, and its waiting messages are sent."""
    for name, value in changes.items():
        setattr(webhook, name, list(dict.fromkeys(value)) if name == "events" else value)
    webhook.disabled_reason = ""
    webhook.save(update_fields=[*changes, "disabled_reason"])
    deliveries.release_stream(webhook.stream_name)
    return webhook


@transaction.atomic
def rotate_secret(webhook: Webhook, *, actor: audit.Actor) -> Webhook:
    """Replace the secret. For ROTATION_OVERLAP, messages carry both signatures."""
    webhook.former_secret, webhook.secret = webhook.secret, make_secret()
    webhook.former_secret_until = clock.now() + ROTATION_OVERLAP
    webhook.save(update_fields=["former_secret_sealed", "secret_sealed", "former_secret_until"])
    audit.record("webhook.secret_renewed", webhook.pk, actor=actor, client=webhook.client.client_id)
    return webhook


@transaction.atomic
def send_test_message(webhook: Webhook) -> None:
    """Queue a test message with the endpoint's first event type."""
    event = Event(type=webhook.events[0], content={"test": True}, at=clock.now())  # not stored: no real event
    events.enqueue_message(webhook, event.public_id, events.build_body(event))


@transaction.atomic
def remove(webhook: Webhook) -> None:
    """Remove the endpoint and cancel its unsent messages. Sent ones stay on record."""
    deliveries.cancel_stream(webhook.stream_name, "the endpoint was removed")
    webhook.delete()


@transaction.atomic
def disable(webhook: Webhook, reason: str) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(disabled_reason=reason)
    deliveries.hold_stream(webhook.stream_name, reason)
