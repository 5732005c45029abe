"""Admin of refused calls."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import RefusedCall
from integrations.staff.display import format_count, time_column
from integrations.staff.model_admin import ReadOnlyAdmin

UNKNOWN_CALLER, UNKNOWN_CALLER_TEXT = "?", "unknown caller"
MAX_COMPANIES = 50


class CompanyFilter(admin.SimpleListFilter):
    """Filter by the companies with the most refused calls; the search finds the others, too."""

    title = "company"
    parameter_name = "company"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = RefusedCall.objects.order_by()
        counted = rows.exclude(company_id="").values("company_id").annotate(calls=Sum("count")).order_by("-calls")
        companies = {row["company_id"] for row in counted[:MAX_COMPANIES]} | {self.value() or UNKNOWN_CALLER}
        known = [(company, company) for company in sorted(companies - {UNKNOWN_CALLER})]
        return [*known, (UNKNOWN_CALLER, UNKNOWN_CALLER_TEXT)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RefusedCall]) -> QuerySet[RefusedCall]:
        company = self.value()
        return queryset.filter(company_id="" if company == UNKNOWN_CALLER else company) if company else queryset


@admin.register(RefusedCall)
class RefusedCallAdmin(ReadOnlyAdmin):
    plural = "Refused calls"
    has_history = False
    empty_list_text = "Calls of SmartRecruiters that are refused appear here for 30 days, each with its reason."
    list_display = (
        "endpoint",
        "company_text",
        "order_text",
        "status",
        "errors_text",
        "count",
        "first_time",
        "last_time",
    )
    list_filter = (CompanyFilter, "endpoint", "status")
    search_fields = ("=company_id", "=order_id", "errors")
    search_help_text = "By company, by SmartRecruiters’ id of the order, or by a field or an error code."
    date_hierarchy = "last_at"
    fields = ("endpoint", "company_link", "order_text", "status", "errors_text", "count", "first_at", "last_at")
    show_full_result_count = False

    first_time = time_column("first_at", "first")
    last_time = time_column("last_at", "last")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the number of calls in all rows of the list, not only of this page."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            context: dict[str, Any] = response.context_data or {}
            total = context["cl"].queryset.order_by().aggregate(total=Sum("count"))["total"] or 0
            context["subtitle"] = format_count(total, "refused call")
        return response

    @admin.display(description="company", ordering="company_id")
    def company_text(self, row: RefusedCall) -> str:
        return row.company_id or UNKNOWN_CALLER_TEXT

    @admin.display(description="company")
    def company_link(self, row: RefusedCall) -> SafeString | str:
        url = self.staff_site.get_subject_url(row.company_id) if row.company_id else ""
        return format_html('<a href="{}">{}</a>', url, row.company_id) if url else self.company_text(row)

    @admin.display(description="order", ordering="order_id")
    def order_text(self, row: RefusedCall) -> str:
        return row.order_id or "–"

    @admin.display(description="reason")
    def errors_text(self, row: RefusedCall) -> SafeString | str:
        return format_html("<code>{}</code>", row.errors) if row.errors else "too many kinds to list"
