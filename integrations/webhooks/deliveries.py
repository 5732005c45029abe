"""Webhook deliveries: any 2xx is a success; a 410, or five days without a success, disables the endpoint."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from integrations.http.client import OutgoingRequest, Response
from integrations.models import Webhook
from integrations.outbox import clock, handlers
from integrations.outbox.models import Delivery
from integrations.outbox.sending.retry_policy import Disposition
from integrations.webhooks import endpoints, signing

DISABLE_AFTER = timedelta(days=5)


class WebhookChannel(handlers.Channel):
    kind = "webhook"
    peer_name = "The engine"
    hop = "engine"
    # An endpoint gets no token, and its URL was given by the engine.
    status_phrases = {
        401: "did not accept {kind_phrase}, or its signature",
        403: "did not accept {kind_phrase}, or its signature",
        404: "has nothing at the webhook's URL",
    }
    calls_per_second = 50


class WebhookHandler(handlers.Handler):
    kind = "webhook"
    channel = "webhook"
    phrase = "the message"
    delivered_text = "Engine notified"
    success_statuses = frozenset(range(200, 300))
    response_type = None
    dispositions = {**dict.fromkeys((*range(300, 429), *range(430, 600)), Disposition.RETRY), 410: Disposition.FAIL}
    deadline_seconds = 20

    def prefetch(self, deliveries: Sequence[Delivery]) -> Mapping[int, Webhook | None]:
        webhooks = Webhook.objects.select_related("client").prefetch_related("former_secrets")
        found = webhooks.in_bulk({delivery.payload["webhook"] for delivery in deliveries})
        return {delivery.pk: found.get(delivery.payload["webhook"]) for delivery in deliveries}

    def skip_reason(self, delivery: Delivery) -> str:
        webhook = delivery.context or self._get_webhook(delivery)
        if webhook is None:
            return "the endpoint was removed"
        return "its engine was revoked" if webhook.client.revoked_at else ""

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        webhook = delivery.context or self._get_webhook(delivery)
        if webhook is None:
            raise handlers.UndeliverableError("The endpoint was removed.")
        body = json.dumps(delivery.payload["body"], separators=(",", ":")).encode()
        secrets, sent_at = endpoints.active_secrets(webhook), int(clock.now().timestamp())
        headers = signing.build_headers(secrets, delivery.payload["id"], sent_at, body)
        request = OutgoingRequest(
            "POST", webhook.url, "webhook", headers, body=body, expects_json=False, is_untrusted_host=True
        )
        return handlers.Call.from_request(request)

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        Webhook.objects.filter(pk=delivery.payload["webhook"]).update(last_success_at=timezone.now())

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        if (webhook := self._get_webhook(delivery)) is not None and response is not None and response.status == 410:
            endpoints.disable(webhook, "The endpoint responded with 410: it is gone.")

    def on_retry(self, delivery: Delivery) -> None:
        webhook = self._get_webhook(delivery)
        if webhook is None:
            return
        since = max(webhook.last_success_at or webhook.created_at, delivery.started_at or delivery.created_at)
        if clock.now() - since > DISABLE_AFTER:
            endpoints.disable(webhook, "The endpoint has accepted no message for five days.")

    def _get_webhook(self, delivery: Delivery) -> Webhook | None:
        return Webhook.objects.select_related("client").filter(pk=delivery.payload["webhook"]).first()
