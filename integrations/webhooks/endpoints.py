"""What is done to an engine's endpoints."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from integrations import audit
from integrations.models import Client, Webhook
from integrations.models.webhooks import make_event_id
from integrations.outbox import clock, deliveries
from integrations.webhooks import events
from integrations.webhooks.signing import make_secret

ROTATION_OVERLAP = timedelta(days=1)


@transaction.atomic
def register(client: Client, *, url: str, events: list[str]) -> Webhook:
    """A new endpoint, with a secret; it hears of what happens from now on."""
    webhook = Webhook(client=client, url=url, events=list(dict.fromkeys(events)))
    webhook.secret = make_secret()
    webhook.save()
    return webhook


@transaction.atomic
def update(webhook: Webhook, **changes: Any) -> Webhook:
    """Another address or other events. An endpoint that was off is on again, and what waited for it goes out."""
    for name, value in changes.items():
        setattr(webhook, name, list(dict.fromkeys(value)) if name == "events" else value)
    webhook.disabled_reason = ""
    webhook.save(update_fields=[*changes, "disabled_reason"])
    deliveries.release_stream(webhook.stream_name)
    return webhook


@transaction.atomic
def rotate_secret(webhook: Webhook, *, actor: audit.Actor) -> Webhook:
    """A new secret; for a day messages bear both signatures."""
    webhook.former_secret, webhook.secret = webhook.secret, make_secret()
    webhook.former_secret_until = clock.now() + ROTATION_OVERLAP
    webhook.save(update_fields=["former_secret_sealed", "secret_sealed", "former_secret_until"])
    audit.record("webhook.secret_renewed", webhook.pk, actor=actor, client=webhook.client.client_id)
    return webhook


@transaction.atomic
def send_test_message(webhook: Webhook) -> None:
    """Queue a message of the endpoint's first type that stands for nothing."""
    stamp = f"{clock.now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
    kind = webhook.events[0]
    events.enqueue_message(webhook, make_event_id(), {"type": kind, "timestamp": stamp, "data": {"test": True}})


@transaction.atomic
def remove(webhook: Webhook) -> None:
    """Nothing more is sent there; what was sent stays in the record."""
    deliveries.cancel_stream(webhook.stream_name, "the endpoint was removed")
    webhook.delete()


@transaction.atomic
def disable(webhook: Webhook, reason: str) -> None:
    Webhook.objects.filter(pk=webhook.pk).update(disabled_reason=reason)
    deliveries.hold_stream(webhook.stream_name, reason)
