"""The engines' endpoints: engines make and change them by their API, staff see them and switch them on again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.admin.webhook_replay import WebhookReplayAdmin
from integrations.models import Webhook
from integrations.outbox.models import Delivery
from integrations.staff.display import relative_time, render_boolean_badge
from integrations.staff.model_admin import ObjectAction, render_admin_link
from integrations.webhooks import endpoints

MAX_SHOWN = 50


@admin.register(Webhook)
class WebhookAdmin(WebhookReplayAdmin):
    change_form_template = "admin/integrations/webhook/change_form.html"
    list_display = ("url", "engine_link", "state_badge", "last_success_time")
    list_select_related = ("client",)
    search_fields = ("url", "=id")
    fields = (
        "url",
        "engine_link",
        "events_text",
        "state_badge",
        "disabled_reason",
        "last_success_at",
        "created_at",
        "id",
    )
    readonly_fields = ("engine_link", "events_text", "state_badge")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the newest messages, and what became of each."""
        webhook: Any = self.get_object(request, object_id)
        sent = Delivery.objects.filter(stream__name=webhook.stream_name) if webhook else Delivery.objects.none()
        context = {"sent": sent.prefetch_related("attempts")[:MAX_SHOWN], "can_act": self.can_act(request)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "resume",
                "Switch on",
                self._resume_webhook,
                lambda webhook: [
                    "The endpoint counts as good again, and what waited for it goes out.",
                    "If it still takes nothing, it is switched off again after five days.",
                ],
                lambda webhook: bool(webhook.disabled_reason),
            ),
            ObjectAction(
                "test",
                "Send a test",
                self._send_test,
                lambda webhook: [f"A message that stands for nothing is sent to {webhook.url}."],
                lambda webhook: not webhook.disabled_reason,
            ),
        )

    def _resume_webhook(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.update(webhook)
        self.record_audit(request, "webhook.resumed", webhook.pk)
        return "The endpoint is on."

    def _send_test(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.send_test_message(webhook)
        self.record_audit(request, "webhook.tested", webhook.pk)
        return "A test is on its way; below stands what becomes of it."

    @admin.display(description="engine", ordering="client__name")
    def engine_link(self, webhook: Webhook) -> SafeString:
        return render_admin_link(webhook.client, webhook.client.name)

    @admin.display(description="events")
    def events_text(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)

    @admin.display(description="state", ordering="disabled_reason")
    def state_badge(self, webhook: Webhook) -> SafeString:
        """With why, where it is off."""
        return format_html(
            '{}<span class="second">{}</span>',
            render_boolean_badge(not webhook.disabled_reason, "On", "Off"),
            webhook.disabled_reason,
        )

    @admin.display(description="last success", ordering="last_success_at")
    def last_success_time(self, webhook: Webhook) -> SafeString | str:
        return relative_time(webhook.last_success_at)
