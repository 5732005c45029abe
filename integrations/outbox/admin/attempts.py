"""Admin inline of a delivery's attempts."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.outbox.handlers import describe_channel, get_handler
from integrations.outbox.models import Attempt, DeliveryState
from integrations.outbox.sending.failure_messages import describe_failed_attempt
from integrations.staff.display import relative_time, status_label
from integrations.staff.model_admin import ReadOnlyInline, can_see_personal


def render_code(value: Any) -> SafeString | str:
    if value in ("", None, {}, []):
        return "–"
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="code">{}</pre>', text)


def render_details(summary: str, value: Any) -> SafeString | str:
    return format_html("<details><summary>{}</summary>{}</details>", summary, render_code(value)) if value else "–"


class AttemptInline(ReadOnlyInline):
    model = Attempt
    verbose_name_plural = "attempts, newest first"
    fields = ("number", "started", "took", "status", "outcome_text", "request_details", "response_details")
    readonly_fields = fields

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Hide requests and responses, which may contain personal data."""
        return self.fields if can_see_personal(request) else self.fields[:5]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).select_related("delivery__stream")

    def started(self, attempt: Attempt) -> SafeString | str:
        return relative_time(attempt.started_at)

    def took(self, attempt: Attempt) -> str:
        return "–" if attempt.duration_ms is None else f"{attempt.duration_ms} ms"

    @admin.display(description="outcome")
    def outcome_text(self, attempt: Attempt) -> str:
        if not attempt.outcome:
            return "In progress"
        if attempt.outcome == DeliveryState.DELIVERED:
            return status_label(attempt.delivery.shown_state if attempt.delivery.ending else attempt.outcome)
        channel = describe_channel(attempt.delivery.stream.kind)
        return describe_failed_attempt(attempt, channel, get_handler(attempt.delivery).phrase)

    @admin.display(description="request")
    def request_details(self, attempt: Attempt) -> SafeString | str:
        summary = f"{attempt.request.get('method', '')} {attempt.request.get('url', 'request')}"
        return render_details(summary, attempt.request)

    @admin.display(description="response")
    def response_details(self, attempt: Attempt) -> SafeString | str:
        return render_details("response", attempt.response)
