"""The engines' endpoints: engines make and change them by their API, staff see them and switch them on again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.admin.webhook_replay import Replay
from integrations.models import Webhook
from integrations.outbox.models import Delivery
from integrations.staff.display import switch, when
from integrations.staff.model_admin import Act, link
from integrations.webhooks import endpoints

SHOWN_AT_MOST = 50


@admin.register(Webhook)
class WebhookAdmin(Replay):
    change_form_template = "admin/integrations/webhook/change_form.html"
    list_display = ("url", "engine", "state_", "last_success_at_")
    list_select_related = ("client",)
    search_fields = ("url", "=id")
    fields = ("url", "engine", "events_", "state_", "off_reason", "last_success_at", "created_at", "id")
    readonly_fields = ("engine", "events_", "state_")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the newest messages, and what became of each."""
        webhook: Any = self.get_object(request, object_id)
        sent = Delivery.objects.filter(stream__name=webhook.stream_name) if webhook else Delivery.objects.none()
        context = {"sent": sent.prefetch_related("attempts")[:SHOWN_AT_MOST], "may_act": self.may_act(request)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "resume",
                "Switch on",
                self._resume,
                lambda webhook: [
                    "The endpoint counts as good again, and what waited for it goes out.",
                    "If it still takes nothing, it is switched off again after five days.",
                ],
                lambda webhook: bool(webhook.off_reason),
            ),
            Act(
                "test",
                "Send a test",
                self._test,
                lambda webhook: [f"A message that stands for nothing is sent to {webhook.url}."],
                lambda webhook: not webhook.off_reason,
            ),
        )

    def _resume(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.change(webhook)
        self.record(request, "webhook.resumed", webhook.pk)
        return "The endpoint is on."

    def _test(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.test(webhook)
        self.record(request, "webhook.tested", webhook.pk)
        return "A test is on its way; below stands what becomes of it."

    @admin.display(description="engine", ordering="client__name")
    def engine(self, webhook: Webhook) -> SafeString:
        return link(webhook.client, webhook.client.name)

    @admin.display(description="events")
    def events_(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)

    @admin.display(description="state", ordering="off_reason")
    def state_(self, webhook: Webhook) -> SafeString:
        """With why, where it is off."""
        return format_html(
            '{}<span class="second">{}</span>', switch(not webhook.off_reason, "On", "Off"), webhook.off_reason
        )

    @admin.display(description="last success", ordering="last_success_at")
    def last_success_at_(self, webhook: Webhook) -> SafeString | str:
        return when(webhook.last_success_at)
