from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from assessments import catalogue
from assessments.admin.forms import RULE_KEYS, AssessmentForm, PackageForm, RuleForm
from assessments.admin.transfer import CatalogueTransferAdmin
from assessments.admin.visibility_preview import VisibilityPreviewAdmin
from assessments.models import Assessment, Package, Rule
from integrations.staff.display import relative_time, render_boolean_badge
from integrations.staff.model_admin import ObjectAction, StackedEditableInline


class AssessmentInline(StackedEditableInline):
    model = Assessment
    form = AssessmentForm
    fields = (("name", "assessment_id", "type", "position", "description"),)


class RuleInline(StackedEditableInline):
    model = Rule
    form = RuleForm
    fields = (RULE_KEYS,)
    verbose_name_plural = "visibility rules (none: every customer sees it; otherwise one matching rule is enough)"


class OnOfferFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "on_offer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Offered"), ("no", "Retired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Package]) -> QuerySet[Package]:
        return queryset.filter(retired_at__isnull=self.value() == "yes") if self.value() else queryset


@admin.register(Package)
class PackageAdmin(CatalogueTransferAdmin, VisibilityPreviewAdmin):
    form = PackageForm
    empty_list_text = "Packages that customers can order appear here. Create or import them, or let your engine do it."
    change_form_template = "admin/assessments/package/change_form.html"
    list_display = ("name", "id", "type", "delivery", "assessment_count", "rule_count", "state_badge", "last_change")
    list_filter = (OnOfferFilter, "type", "delivery")
    search_fields = ("name", "=id")
    search_help_text = "By name or id."
    fieldsets = (
        (None, {"fields": ("id", "type", "name", "description")}),
        (
            "Handling of orders",
            {"fields": ("delivery", "invite_candidate", "remind_after_days", "expires_after_days")},
        ),
        ("State", {"fields": ("state_badge", "created_at", "updated_at")}),
    )
    readonly_fields = ("state_badge", "created_at", "updated_at")
    inlines = (AssessmentInline, RuleInline)
    actions = ("retire_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Package]:
        counts = {name: Count(name, distinct=True) for name in ("assessments", "rules")}
        packages: QuerySet[Package] = super().get_queryset(request)
        return packages.annotate(**{f"{name}_count": count for name, count in counts.items()})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:2]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Hiring steps store the id.
        return (*self.readonly_fields, "id") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "retire",
                "Retire",
                self._retire_package,
                lambda package: [
                    "Customers no longer see the package, and cannot add it to new hiring steps.",
                    "Existing hiring steps continue to order it, and existing orders continue.",
                    "You can offer it again.",
                ],
                lambda package: package.retired_at is None,
            ),
            ObjectAction(
                "offer",
                "Offer again",
                self._offer_package,
                lambda package: ["Customers admitted by its rules see the package again and can order it."],
                lambda package: package.retired_at is not None,
            ),
        )

    def _retire_package(self, request: HttpRequest, package: Package) -> str:
        catalogue.retire_packages(package.pk)
        self.record_audit(request, "package.retired", package.pk)
        return f"“{package}” is retired."

    def _offer_package(self, request: HttpRequest, package: Package) -> str:
        catalogue.put_package({"id": package.pk, "retired": False})
        self.record_audit(request, "package.offered", package.pk)
        return f"“{package}” is on offer again."

    @admin.action(description="Retire", permissions=["change"])
    def retire_selected(self, request: HttpRequest, queryset: QuerySet[Package]) -> None:
        count = sum(bool(self._retire_package(request, package)) for package in queryset.filter(retired_at=None))
        messages.success(request, f"{count} retired.")

    @admin.display(description="state", ordering="retired_at")
    def state_badge(self, package: Package) -> SafeString:
        return render_boolean_badge(package.retired_at is None, "Offered", "Retired")

    @admin.display(description="assessments", ordering="assessments_count")
    def assessment_count(self, package: Any) -> int:
        return int(package.assessments_count)

    @admin.display(description="rules", ordering="rules_count")
    def rule_count(self, package: Any) -> str:
        return str(package.rules_count or "every customer")

    @admin.display(description="last change", ordering="updated_at")
    def last_change(self, package: Package) -> SafeString | str:
        return relative_time(package.updated_at)
