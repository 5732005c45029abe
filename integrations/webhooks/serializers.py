"""Serializers of webhooks and events in the engine API, with SSRF protection for webhook URLs."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from integrations.api.fields import StrictCharField, StrictChoiceField, StrictListField, StrictSerializer
from integrations.http import ip_addresses, trusted_origins
from integrations.models import EventType, Webhook


def check_url(url: str) -> None:
    """Require https and a public host, unless WEBHOOKS_ALLOW_PRIVATE is set. Raises ValidationError."""
    parts = trusted_origins.parse_url(url)
    if parts is None:
        raise serializers.ValidationError("Send an absolute URL in ASCII, without user info and fragment.")
    scheme, host, _, _ = parts
    if settings.WEBHOOKS_ALLOW_PRIVATE:
        return
    if scheme != "https":
        raise serializers.ValidationError("Send a URL that begins with https://.")
    if not is_public_host(host):
        raise serializers.ValidationError("Send a URL at a public host.")


def is_public_host(host: str) -> bool:
    """Return True for a public IP address or a name that may be public: transport.py checks its IP addresses."""
    try:
        return ip_addresses.is_public_ip(host)
    except ValueError:
        last = host.rpartition(".")[2]
        is_number = last.isdigit() or last.startswith("0x")
        return "." in host and not is_number and not host.endswith((".localhost", ".local", ".internal"))


@extend_schema_field(
    {"type": "string", "format": "uri", "maxLength": 2000, "pattern": f"^{trusted_origins.STRICT_URL_PATTERN}$"}
)
class EndpointUrlField(StrictCharField):
    pass


class WebhookSerializer(StrictSerializer):
    id = StrictCharField(read_only=True)
    url = EndpointUrlField(max_length=2000)
    events = StrictListField(child=StrictChoiceField(EventType.choices), allow_empty=False)

    def validate_url(self, url: str) -> str:
        check_url(url)
        return url


class WebhookWithSecretSerializer(WebhookSerializer):
    secret = StrictCharField(read_only=True)


class EventSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(EventType.choices)
    timestamp = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]
    cursor = serializers.CharField()


class EventPageSerializer(serializers.Serializer[Any]):
    results = EventSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class EmptyBodySerializer(StrictSerializer):
    """A body without keys."""


def serialize_webhook(webhook: Webhook, *, with_secret: bool = False) -> dict[str, Any]:
    kind = WebhookWithSecretSerializer if with_secret else WebhookSerializer
    return dict(kind(webhook).data)
