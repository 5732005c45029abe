"""Admin of webhook endpoints, which engines manage through their API: test, enable again, send messages again."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from integrations.admin.webhook_replay import WebhookReplayAdmin
from integrations.models import Webhook
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.staff.display import format_count, render_boolean_badge, time_column
from integrations.staff.filters import ConditionFilter
from integrations.staff.model_admin import ObjectAction, render_admin_link
from integrations.webhooks import endpoints

MAX_SHOWN = 50


def _describe_test(webhook: Any) -> list[str]:
    if reason := webhook.held_reason or webhook.pause_reason:
        return [f"A test message to {webhook.url} is queued. It is not sent at once: {reason}"]
    return [f"A test message is sent to {webhook.url}."]


class WebhookStateFilter(ConditionFilter):
    title = "state"
    parameter_name = "state"

    def get_conditions(self) -> dict[str, tuple[str, Q]]:
        return {
            "disabled": ("Disabled", ~Q(disabled_reason="")),
            "enabled": ("Not disabled", Q(disabled_reason="")),
        }


@admin.register(Webhook)
class WebhookAdmin(WebhookReplayAdmin):
    change_form_template = "admin/integrations/webhook/change_form.html"
    list_display = ("url", "engine_link", "state_badge", "failing_count", "last_success_time")
    list_select_related = ("client",)
    list_filter = (WebhookStateFilter,)
    search_fields = ("url", "=id")
    fields = ("url", "engine_link", "events_text", "state_badge", "last_success_at", "secrets_text", "created_at", "id")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        webhook: Any = self.get_object(request, object_id)
        sent = Delivery.objects.filter(stream__name=webhook.stream_name) if webhook else Delivery.objects.none()
        context = {"sent": sent.prefetch_related("attempts")[:MAX_SHOWN], "can_act": self.can_act(request)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "resume",
                "Enable",
                self._resume_webhook,
                lambda webhook: [
                    "The endpoint is enabled again, and waiting messages are sent.",
                    "If it still does not accept any, it is disabled again after five days.",
                ],
                lambda webhook: bool(webhook.disabled_reason),
            ),
            ObjectAction(
                "test",
                "Send test message",
                self._send_test,
                _describe_test,
                lambda webhook: not webhook.disabled_reason,
            ),
        )

    def _resume_webhook(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.update(webhook)
        self.record_audit(request, "webhook.resumed", webhook.pk)
        return "The endpoint is enabled."

    def _send_test(self, request: HttpRequest, webhook: Any) -> str:
        endpoints.send_test_message(webhook)
        self.record_audit(request, "webhook.tested", webhook.pk)
        return "A test message was queued. Its delivery is shown below."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Webhook]:
        stream_name = Concat(Value("webhook:"), OuterRef("pk"))
        streams = Stream.objects.filter(name=stream_name)
        paused = streams.filter(paused_until__gt=clock.now())
        has_failed = Q(state__in=(DeliveryState.FAILED, DeliveryState.UNKNOWN)) | Q(
            state__in=(DeliveryState.PENDING, DeliveryState.HELD), attempts_made__gt=0
        )
        failing = Delivery.objects.filter(has_failed, stream__name=stream_name)
        counts = failing.order_by().values("stream_id").annotate(count=Count("pk")).values("count")
        webhooks: QuerySet[Webhook] = super().get_queryset(request)
        return webhooks.annotate(
            held_reason=Subquery(streams.values("held_reason")[:1]),
            pause_reason=Subquery(paused.values("pause_reason")[:1]),
            failing=Subquery(counts),
        )

    @admin.display(description="engine", ordering="client__name")
    def engine_link(self, webhook: Webhook) -> SafeString:
        return render_admin_link(webhook.client, webhook.client.name)

    @admin.display(description="events")
    def events_text(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)

    @admin.display(description="signatures")
    def secrets_text(self, webhook: Webhook) -> str:
        ends = webhook.former_secrets.filter(expires_at__gt=clock.now()).values_list("expires_at", flat=True)
        formers = [f"the former one until {date_format(end, 'j F, H:i')} UTC" for end in ends]
        return ", ".join(["Messages are signed with the secret", *formers])

    @admin.display(description="state", ordering="disabled_reason")
    def state_badge(self, webhook: Any) -> SafeString:
        reason = webhook.disabled_reason or webhook.held_reason or webhook.pause_reason
        word = "Disabled" if webhook.disabled_reason else "On hold" if webhook.held_reason else "Paused"
        return format_html(
            '{}<span class="second">{}</span>', render_boolean_badge(not reason, "Enabled", word), reason or ""
        )

    @admin.display(description="failing", ordering="failing")
    def failing_count(self, webhook: Any) -> SafeString | str:
        """Link to the messages that failed, or failed before and are tried again."""
        if not webhook.failing:
            return "–"
        messages = f"{reverse('admin:outbox_delivery_changelist')}?{urlencode({'q': webhook.stream_name})}"
        return format_html('<a href="{}">{}</a>', messages, format_count(webhook.failing, "message"))

    last_success_time = time_column("last_success_at", "last success")
