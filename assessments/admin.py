"""The catalogue by hand. An engine that syncs it (PUT /packages) overwrites what is changed here."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from assessments import catalogue
from assessments.models import Assessment, Package, Rule
from integrations.admin import partner
from integrations.models import AssessmentType, PartnerConfiguration, PartnerField
from integrations.shown import switch, when
from integrations.staff import Act, LabelledForm, ModelForm, RowsInline, StaffAdmin


def types_in_use(types: list[str]) -> str:
    """What speaks against publishing these types alone: packages of the others that are on offer."""
    stranded = Package.objects.filter(retired_at=None).exclude(type__in=types).values_list("name", flat=True)
    if not stranded:
        return ""
    names = ", ".join(f"“{name}”" for name in stranded[:3]) + (" and more" if len(stranded) > 3 else "")
    return f"Packages of other types are on offer: {names}. Retire them first, or keep their types."


partner.type_rules.append(types_in_use)


class PackageForm(ModelForm):
    def clean_type(self) -> str:
        kind: str = self.cleaned_data["type"]
        if kind not in PartnerConfiguration.load().supported_types:
            label = AssessmentType(kind).label
            raise forms.ValidationError(f"“{label}” is not among the published types: see the partner configuration.")
        return kind


class AssessmentForm(LabelledForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Results are kept under it.
        self.fields["assessment_id"].disabled = self.instance.pk is not None


class RuleForm(LabelledForm):
    fields_as_text = forms.CharField(
        label="mapped fields",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 24, "placeholder": "department = Sales"}),
        help_text="One a line: the field's id = its value.",
    )

    class Meta:
        model = Rule
        exclude = ("fields",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remote = [("unknown", "either"), ("true", "remote"), ("false", "on site")]
        self.fields["remote"].widget.choices = remote  # type: ignore[attr-defined]
        lines = (f"{name} = {value}" for name, value in sorted(self.instance.fields.items()))
        self.initial["fields_as_text"] = "\n".join(lines)

    def clean_fields_as_text(self) -> dict[str, str]:
        pairs = [line.partition("=") for line in self.cleaned_data["fields_as_text"].splitlines() if line.strip()]
        found = {name.strip(): value.strip() for name, _, value in pairs}
        known = set(PartnerField.objects.values_list("field_id", flat=True))
        if unknown := sorted(found.keys() - known):
            raise forms.ValidationError(f"No such field: {', '.join(unknown)}. The partner configuration names them.")
        if not all(found.values()):
            raise forms.ValidationError("Write each as id = value.")
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and all(value in (None, "", {}) for name, value in cleaned.items() if name in RULE_KEYS):
            raise forms.ValidationError("An empty rule shows the package to everybody. Fill in a key, or remove it.")
        return cleaned

    def save(self, commit: bool = True) -> Rule:
        self.instance.fields = self.cleaned_data["fields_as_text"]
        return cast(Rule, super().save(commit))


RULE_KEYS = ("customer", "requester", "country", "region", "city", "remote", "fields_as_text")


class AssessmentInline(RowsInline):
    model = Assessment
    form = AssessmentForm
    fields = ("position", "assessment_id", "type", "name", "description")


class RuleInline(RowsInline):
    model = Rule
    form = RuleForm
    fields = RULE_KEYS
    verbose_name_plural = "rules: who sees it (none: every customer; else one matching rule is enough)"


class OnOffer(admin.SimpleListFilter):
    title = "state"
    parameter_name = "on_offer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Offered"), ("no", "Retired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Package]) -> QuerySet[Package]:
        return queryset.filter(retired_at__isnull=self.value() == "yes") if self.value() else queryset


@admin.register(Package)
class PackageAdmin(StaffAdmin):
    form = PackageForm
    list_display = ("name", "id", "type", "delivery", "assessments_", "rules_", "state_", "updated_at_")
    list_filter = (OnOffer, "type", "delivery")
    search_fields = ("name", "=id")
    search_help_text = "By name or id."
    fieldsets = (
        (None, {"fields": ("id", "type", "name", "description")}),
        ("What happens with an order", {"fields": ("delivery", "invite_candidate", "expires_after_days")}),
        ("State", {"fields": ("state_", "created_at", "updated_at")}),
    )
    readonly_fields = ("state_", "created_at", "updated_at")
    inlines = (AssessmentInline, RuleInline)
    actions = ("retire_chosen",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Package]:
        counts = {name: Count(name, distinct=True) for name in ("assessments", "rules")}
        packages: QuerySet[Package] = super().get_queryset(request)
        return packages.annotate(**{f"{name}_count": count for name, count in counts.items()})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.fieldsets[:2]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """An id is for good: hiring steps store it."""
        return (*self.readonly_fields, "id") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "retire",
                "Retire",
                self._retire,
                lambda package: [
                    "Customers do not see it any more and it is in no new hiring step.",
                    "Hiring steps that have it go on ordering it, and orders go on as they are.",
                    "You can offer it again.",
                ],
                lambda package: package.retired_at is None,
            ),
            Act(
                "offer",
                "Offer again",
                self._offer,
                lambda package: ["Customers that its rules admit see it again and may order it."],
                lambda package: package.retired_at is not None,
            ),
        )

    def _retire(self, request: HttpRequest, package: Package) -> str:
        catalogue.retire(package.pk)
        self.record(request, "package.retired", package.pk)
        return f"“{package}” is retired."

    def _offer(self, request: HttpRequest, package: Package) -> str:
        catalogue.put_package({"id": package.pk, "retired": False})
        self.record(request, "package.offered", package.pk)
        return f"“{package}” is on offer again."

    @admin.action(description="Retire", permissions=["change"])
    def retire_chosen(self, request: HttpRequest, queryset: QuerySet[Package]) -> None:
        count = sum(bool(self._retire(request, package)) for package in queryset.filter(retired_at=None))
        messages.success(request, f"{count} retired.")

    @admin.display(description="state", ordering="retired_at")
    def state_(self, package: Package) -> SafeString:
        return switch(package.retired_at is None, "Offered", "Retired")

    @admin.display(description="assessments", ordering="assessments_count")
    def assessments_(self, package: Any) -> int:
        return int(package.assessments_count)

    @admin.display(description="rules", ordering="rules_count")
    def rules_(self, package: Any) -> str:
        return str(package.rules_count or "every customer")

    @admin.display(description="last change", ordering="updated_at")
    def updated_at_(self, package: Package) -> SafeString | str:
        return when(package.updated_at)
