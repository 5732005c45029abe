"""How webhooks are carried: any 2xx is success, 410 or five days without one switch the endpoint off."""

import json
from datetime import timedelta

from django.utils import timezone

from integrations.http.client import Outgoing, Reply
from integrations.models import Webhook
from integrations.outbox import clock, handlers
from integrations.outbox.models import Delivery
from integrations.outbox.retry_policy import Cure
from integrations.webhooks import endpoints, signing

OFF_AFTER = timedelta(days=5)


class WebhookChannel(handlers.Channel):
    kind = "webhook"
    calls_a_second = 50


class WebhookMessage(handlers.Handler):
    kind = "webhook"
    success = frozenset(range(200, 300))
    expects = None
    cures = {**dict.fromkeys((*range(300, 429), *range(430, 600)), Cure.RETRY), 410: Cure.FAIL}
    deadline_seconds = 20

    def unwanted(self, delivery: Delivery) -> str:
        webhook = self._webhook(delivery)
        if webhook is None:
            return "the endpoint was removed"
        return "its engine was revoked" if webhook.client.revoked_at else ""

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        webhook = self._webhook(delivery)
        if webhook is None:
            raise handlers.Undeliverable("The endpoint was removed.")
        body = json.dumps(delivery.payload["body"], separators=(",", ":")).encode()
        secrets = [webhook.secret]
        if webhook.former_secret_until and webhook.former_secret_until > clock.now():
            secrets.append(webhook.former_secret)
        headers = signing.headers(secrets, delivery.payload["id"], int(clock.now().timestamp()), body)
        return handlers.Call.of(
            Outgoing("POST", webhook.url, "webhook", headers, body=body, expects_json=False, is_foreign=True)
        )

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        Webhook.objects.filter(pk=delivery.payload["webhook"]).update(last_success_at=timezone.now())

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        if (webhook := self._webhook(delivery)) is not None and reply is not None and reply.status == 410:
            endpoints.switch_off(webhook, "The endpoint answered 410: it is gone.")

    def retried(self, delivery: Delivery) -> None:
        """Five days without a success, and nothing more is sent until the engine's people say so."""
        webhook = self._webhook(delivery)
        if webhook is None:
            return
        since = max(webhook.last_success_at or webhook.created_at, delivery.started_at or delivery.created_at)
        if clock.now() - since > OFF_AFTER:
            endpoints.switch_off(webhook, "The endpoint did not take a message for five days.")

    def _webhook(self, delivery: Delivery) -> Webhook | None:
        return Webhook.objects.select_related("client").filter(pk=delivery.payload["webhook"]).first()
