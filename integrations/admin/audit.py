"""Admin of the audit log."""

import json
from typing import Any

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.models import AuditEntry
from integrations.staff.display import time_column
from integrations.staff.model_admin import ReadOnlyAdmin

MAX_ORDERS_LISTED = 3


def format_detail(detail: dict[str, Any]) -> SafeString:
    """Render the detail on one line, in which no value turns what stands beside it."""
    texts = (
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in detail.items()
    )
    return format_html_join(", ", "{}: <bdi>{}</bdi>", texts)


def summarize_detail(detail: dict[str, Any]) -> SafeString:
    """Render the detail for a list: of many order ids only their number."""
    orders = detail.get("orders")
    if isinstance(orders, list) and len(orders) > MAX_ORDERS_LISTED:
        detail = detail | {"orders": f"{len(orders)} of them"}
    return format_detail(detail)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    plural = "Audit log"
    has_history = False
    list_display = ("at_time", "actor_label", "action", "subject", "ip", "detail_text")
    list_display_links = ("action",)
    list_filter = ("action",)
    search_fields = ("=subject", "=actor_name", "action")
    search_help_text = "By subject (an order’s or a company’s id), by person (an email address), or by action."
    date_hierarchy = "at"
    fields = ("at", "actor_label", "action", "subject", "ip", "full_detail")
    show_full_result_count = False

    at_time = time_column("at", "time")

    @admin.display(description="by")
    def actor_label(self, entry: AuditEntry) -> str:
        return entry.actor_label

    @admin.display(description="detail")
    def full_detail(self, entry: AuditEntry) -> SafeString | str:
        return format_html("<code>{}</code>", format_detail(entry.detail)) if entry.detail else "–"

    @admin.display(description="detail")
    def detail_text(self, entry: AuditEntry) -> SafeString | str:
        return format_html("<code>{}</code>", summarize_detail(entry.detail)) if entry.detail else "–"
