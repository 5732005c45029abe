from typing import Any, ClassVar, cast

from django import forms

from assessments import requester
from assessments.models import Package, Rule
from integrations.admin import partner_form
from integrations.models import AssessmentType, PartnerConfiguration, PartnerField
from integrations.staff.model_admin import LabelledForm, ModelForm

RULE_KEYS = ("customer", "requester", "country", "region", "city", "remote", "fields_as_text")


def check_types_in_use(types: list[str]) -> str:
    """Return an error message if packages of other types are on offer, otherwise an empty text."""
    stranded = Package.objects.filter(retired_at=None).exclude(type__in=types).values_list("name", flat=True)
    if not stranded:
        return ""
    names = ", ".join(f"“{name}”" for name in stranded[:3]) + (" and more" if len(stranded) > 3 else "")
    return f"Packages of other types are on offer: {names}. Retire them first, or keep their types."


partner_form.type_rules.append(check_types_in_use)


class PackageForm(ModelForm):
    class Meta:
        widgets: ClassVar = {"description": forms.Textarea(attrs={"rows": 3, "cols": 60})}

    def clean_type(self) -> str:
        kind: str = self.cleaned_data["type"]
        if kind not in PartnerConfiguration.load().supported_types:
            label = AssessmentType(kind).label
            raise forms.ValidationError(f"“{label}” is not a published type; see the partner configuration.")
        return kind

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        reminded, expired = cleaned.get("remind_after_days"), cleaned.get("expires_after_days")
        if reminded and expired and reminded >= expired:
            self.add_error("remind_after_days", "The order has expired by then; send the reminder earlier.")
        return cleaned


class AssessmentForm(LabelledForm):
    class Meta:
        widgets: ClassVar = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Results are stored under this id.
        self.fields["assessment_id"].disabled = self.instance.pk is not None


class RuleForm(LabelledForm):
    fields_as_text = forms.CharField(
        label="Mapped fields",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 24, "placeholder": "department = Sales"}),
        help_text="One per line: field id = value.",
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
        self.fields["requester"].validators.append(requester.validate_rule_requester)

    def clean_fields_as_text(self) -> dict[str, str]:
        pairs = [line.partition("=") for line in self.cleaned_data["fields_as_text"].splitlines() if line.strip()]
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        known = set(PartnerField.objects.values_list("field_id", flat=True))
        if unknown := sorted(fields.keys() - known):
            raise forms.ValidationError(f"Unknown field: {', '.join(unknown)}. See the partner configuration.")
        if not all(fields.values()):
            raise forms.ValidationError("Write each field as id = value.")
        return fields

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and all(value in (None, "", {}) for name, value in cleaned.items() if name in RULE_KEYS):
            raise forms.ValidationError(
                "An empty rule shows the package to every customer. Fill in a key or remove it."
            )
        return cleaned

    def save(self, commit: bool = True) -> Rule:
        self.instance.fields = self.cleaned_data["fields_as_text"]
        return cast(Rule, super().save(commit))
