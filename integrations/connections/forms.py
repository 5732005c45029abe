"""Forms of the consent page (SmartRecruiters' parameters, the decision), and of the assignment of a company."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from integrations.http.path_segments import is_company_id
from integrations.http.trusted_origins import MalformedURLError, is_trusted, normalize_return_url
from integrations.models import Customer, DisplayMode, Membership

NO_COMPANY = "It does not name a SmartRecruiters company."


class ConsentRequestForm(forms.Form):
    """Query parameters from SmartRecruiters: `companyId` and, in REDIRECT mode only, `redirect`.

    The messages are sentences about the link, for the page that refuses it.
    """

    company_id = forms.CharField(
        max_length=64, strip=False, error_messages={"required": NO_COMPANY, "max_length": NO_COMPANY}
    )
    redirect = forms.CharField(strip=False, required=False)

    @property
    def display_mode(self) -> DisplayMode:
        """Return REDIRECT if `redirect` is present, even if it is empty and so invalid."""
        return DisplayMode.REDIRECT if "redirect" in self.data else DisplayMode.POPUP

    def add_prefix(self, field_name: str) -> str:
        return "companyId" if field_name == "company_id" else super().add_prefix(field_name)

    def clean_company_id(self) -> str:
        company_id: str = self.cleaned_data["company_id"]
        if not is_company_id(company_id):
            raise ValidationError(NO_COMPANY, code="company")
        return company_id

    def clean_redirect(self) -> str:
        if self.display_mode != DisplayMode.REDIRECT:
            return ""
        try:
            redirect = normalize_return_url(self.cleaned_data["redirect"])
        except MalformedURLError as error:
            raise ValidationError(f"Its return address {error}.", code="malformed") from None
        if not is_trusted(redirect):
            message = "It leads to a website that is not known to belong to SmartRecruiters."
            raise ValidationError(message, code="untrusted")
        return redirect

    def clean(self) -> None:
        if isinstance(self.data, QueryDict) and any(len(values) > 1 for _, values in self.data.lists()):
            raise ValidationError("It names a parameter twice.", code="twice")

    @property
    def refusal(self) -> str:
        """Return the sentence about the first fault."""
        return next(str(message) for messages in self.errors.values() for message in messages)


class DecisionForm(forms.Form):
    """Decision on the consent page. Company, redirect and mode come from the stored consent, never from the browser.

    `organisation` is required if the user may connect for several customers.
    """

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("deny", "Deny")])
    organisation = forms.ChoiceField(required=False, widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, memberships: Sequence[Membership]) -> None:
        super().__init__(data)
        self.memberships = memberships
        names = [(each.customer_id, each.customer.name) for each in memberships]
        cast(forms.ChoiceField, self.fields["organisation"]).choices = names

    @property
    def asks_for_organisation(self) -> bool:
        return len(self.memberships) > 1

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == "approve" and self.asks_for_organisation and not cleaned.get("organisation"):
            self.add_error("organisation", "Choose one of your organisations.")
        return cleaned

    @property
    def chosen_customer(self) -> Customer | None:
        """Return the customer to connect for: the chosen or only one, or None without memberships."""
        chosen_id = self.cleaned_data["organisation"]
        return next((m.customer for m in self.memberships if not chosen_id or m.customer_id == chosen_id), None)


class CompanyForm(forms.Form):
    """Company that staff assign to a customer."""

    company_id = forms.CharField(
        label="Company id", max_length=64, help_text="As in the address of its career site at SmartRecruiters."
    )

    def clean_company_id(self) -> str:
        company_id: str = self.cleaned_data["company_id"]
        if not is_company_id(company_id):
            raise ValidationError("This is no company id: use letters, digits, “.”, “_” and “-” only.", code="company")
        return company_id
