"""Operations on webhook endpoints: register, change, rotate the secret, test, disable, remove."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from integrations import audit
from integrations.models import Client, Event, FormerSecret, Webhook
from integrations.outbox import clock, deliveries
from integrations.webhooks import events
from integrations.webhooks.signing import make_secret

ROTATION_OVERLAP = timedelta(days=1)
MAX_FORMER_SECRETS = 20  # each adds 48 bytes to a header of every message


class TooManyRotationsError(Exception):
    """The secret was rotated so often that the header with the signatures would become too long."""


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
    """Replace the secret. The former one signs, too, for ROTATION_OVERLAP. Raises TooManyRotationsError."""
    webhook = Webhook.objects.select_for_update().select_related("client").get(pk=webhook.pk)
    webhook.former_secrets.filter(expires_at__lte=clock.now()).delete()
    if webhook.former_secrets.count() >= MAX_FORMER_SECRETS:
        raise TooManyRotationsError
    former = FormerSecret(webhook=webhook, expires_at=clock.now() + ROTATION_OVERLAP)
    former.secret, webhook.secret = webhook.secret, make_secret()
    former.save()
    webhook.save(update_fields=["secret_sealed"])
    audit.record("webhook.secret_renewed", webhook.pk, actor=actor, client=webhook.client.client_id)
    return webhook


def active_secrets(webhook: Webhook) -> list[str]:
    """Return the secrets that sign a message, the newest first."""
    now = clock.now()
    return [webhook.secret, *(former.secret for former in webhook.former_secrets.all() if former.expires_at > now)]


def delete_expired_secrets() -> None:
    FormerSecret.objects.filter(expires_at__lte=clock.now()).delete()


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
