"""What browsers send to the consent page."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from integrations.http.path_segments import is_company_id
from integrations.http.trusted_origins import is_trusted
from integrations.models import Customer, DisplayMode, Membership


class ConsentRequestForm(forms.Form):
    """How SmartRecruiters sends somebody: `companyId`, and `redirect` in REDIRECT mode only (PROTOCOL.md)."""

    companyId = forms.CharField(max_length=64, strip=False)
    redirect = forms.CharField(max_length=2000, strip=False, required=False)

    @property
    def display_mode(self) -> DisplayMode:
        """Said by the presence of `redirect`: an empty one is a broken REDIRECT, not a POPUP."""
        return DisplayMode.REDIRECT if "redirect" in self.data else DisplayMode.POPUP

    def clean_companyId(self) -> str:
        company_id: str = self.cleaned_data["companyId"]
        if not is_company_id(company_id):
            raise ValidationError("This is no company id.", code="company")
        return company_id

    def clean_redirect(self) -> str:
        redirect: str = self.cleaned_data["redirect"]
        if self.display_mode == DisplayMode.REDIRECT and not is_trusted(redirect):
            raise ValidationError("This address is not SmartRecruiters'.", code="untrusted")
        return redirect

    def clean(self) -> None:
        if isinstance(self.data, QueryDict) and any(len(values) > 1 for _, values in self.data.lists()):
            raise ValidationError("A parameter comes twice.", code="twice")


class DecisionForm(forms.Form):
    """The answer on the consent page. Company, redirect and mode come from the record, never from here.

    `organisation` is asked for where somebody may connect for several: which of them approves.
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
            self.add_error("organisation", "Choose for which of your organisations.")
        return cleaned

    @property
    def chosen_customer(self) -> Customer | None:
        """Who approves: the one that was chosen, or the only one; None where somebody may connect for nobody."""
        chosen = self.cleaned_data["organisation"]
        return next((each.customer for each in self.memberships if not chosen or each.customer_id == chosen), None)
