"""Visibility preview: the package list that SmartRecruiters would get, and the reason for each missing package."""

import json
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from assessments.api.smartrecruiters import parse_query
from assessments.compiled_catalogue import load_catalogue
from assessments.models import Rule
from assessments.requester import InvalidRequesterError, parse_requester
from assessments.visibility import PackageQuery
from integrations.models import Customer, PartnerField
from integrations.staff.autocomplete import offer_search
from integrations.staff.model_admin import StaffAdmin

DISPLAY_LIMIT = 200


class PackageQueryForm(forms.Form):
    """Form with the parameters of the list call, under their own names. `customer` replaces the token."""

    customer = forms.ModelChoiceField(Customer.objects.filter(is_active=True).order_by("name"))
    requester = forms.CharField(label="Recruiter's email address", required=False, max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_search(self.fields["customer"], Rule._meta.get_field("customer"))  # type: ignore[arg-type]
        for name, label in (("country-code", "Country"), ("region-abbr", "Region"), ("city", "City")):
            self.fields[name] = forms.CharField(label=label, required=False, max_length=100)
        remote = [("", "not specified"), ("true", "remote"), ("false", "on site")]
        self.fields["remote"] = forms.ChoiceField(choices=remote, required=False)
        for field in PartnerField.objects.all():
            self.fields[field.field_id] = forms.CharField(label=field.name, required=False, max_length=500)
        self.parameter_names = self.fields.keys() - {"customer", "requester"}

    def clean_requester(self) -> str:
        email: str = self.cleaned_data["requester"]
        try:
            return parse_requester(email.encode().decode("latin-1")) if email else ""
        except InvalidRequesterError as error:
            raise forms.ValidationError(str(error)) from None

    def build_query(self) -> PackageQuery:
        """Build the query of a valid form. Empty fields are left out."""
        query = QueryDict(mutable=True)
        query.update(
            {name: str(value) for name, value in self.cleaned_data.items() if value and name in self.parameter_names}
        )
        return parse_query(self.cleaned_data["customer"], query, requester=self.cleaned_data["requester"])


class VisibilityPreviewAdmin(StaffAdmin):
    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.visibility_preview_view)
        return [path("who-sees-what/", view, name="assessments_package_who_sees"), *super().get_urls()]

    def visibility_preview_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PackageQueryForm(request.GET or None)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Who sees what",
            "form": form,
            **(build_context(form.build_query()) if form.is_valid() else {}),
        }
        return TemplateResponse(request, "admin/assessments/package/who_sees.html", context)


def build_context(query: PackageQuery) -> dict[str, Any]:
    catalogue = load_catalogue()
    seen = catalogue.list_visible(query)
    wire = [json.loads(package.listed) for package in seen[:DISPLAY_LIMIT]]
    hidden = catalogue.list_hidden(query)
    return {
        "seen": seen[:DISPLAY_LIMIT],
        "seen_count": len(seen),
        "document": json.dumps(wire, indent=2, ensure_ascii=False),
        "hidden": hidden[:DISPLAY_LIMIT],
        "hidden_count": len(hidden),
        "customer": query.customer,
        "display_limit": DISPLAY_LIMIT,
    }
