"""Webhook endpoints of engines, and the events sent to them."""

from django.db import models
from django.db.models import Q
from django.utils.crypto import get_random_string

from integrations.encryption import Sealed, SealedField
from integrations.models.clients import Client


def make_webhook_id() -> str:
    return "wh_" + get_random_string(20, "abcdefghijkmnpqrstuvwxyz23456789")


def make_event_id() -> str:
    return "evt_" + get_random_string(24, "abcdefghijkmnpqrstuvwxyz23456789")


class EventType(models.TextChoices):
    ORDER_CREATED = "order.created"
    ORDER_EXPIRED = "order.expired"
    DELIVERY_FAILED = "delivery.failed"
    CONNECTION_ENABLED = "connection.enabled"
    CONNECTION_DISABLED = "connection.disabled"


class Event(models.Model):
    """Event for engines, without personal data.

    `number` is set after commit, by the holder of the "events" stream. The primary key cannot be the API's cursor: it
    is assigned before commit, so that a client could skip events of a transaction that commits late.
    """

    public_id = models.CharField(max_length=40, unique=True, default=make_event_id)
    type = models.CharField(max_length=30, choices=EventType.choices)
    content = models.JSONField(help_text="The body's `data`.")
    at = models.DateTimeField(auto_now_add=True)
    number = models.PositiveBigIntegerField(null=True, unique=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["id"], name="event_to_number", condition=Q(number=None))]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class Webhook(models.Model):
    """Webhook endpoint of an engine. Its secret signs messages, and so do former ones that have not expired."""

    id = models.CharField(primary_key=True, max_length=40, default=make_webhook_id, editable=False)
    client = models.ForeignKey(Client, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = models.JSONField(help_text="Event types that are sent to this endpoint.")
    secret_sealed = SealedField()
    secret = Sealed("secret_sealed", owner="pk")
    created_at = models.DateTimeField(auto_now_add=True)
    last_success_at = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, help_text="If set, nothing is sent to it.")

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.url

    @property
    def stream_name(self) -> str:
        return f"webhook:{self.pk}"


class FormerSecret(models.Model):
    """Secret of a webhook that was rotated. It signs beside the newer ones until it expires."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="former_secrets")
    secret_sealed = SealedField()
    secret = Sealed("secret_sealed", owner="webhook_id")
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-expires_at"]

    def __str__(self) -> str:
        return f"former secret of {self.webhook_id}"
