from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings

from integrations.models import AssessmentType, PartnerConfiguration
from integrations.staff.model_admin import ModelForm

type_rules: list[Callable[[list[str]], str]] = []
"""What apps above know against publishing these types and no others; empty: nothing. They append theirs."""
FROM_ENVIRONMENT_HELP = "Set by SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET, which win over this page."


class PartnerConfigurationForm(ModelForm):
    supported_types = forms.MultipleChoiceField(
        label="Types of assessments",
        choices=AssessmentType.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="At least one. The catalogue may hold packages of these types only.",
    )
    master_client_secret = forms.CharField(
        label="Master client secret",
        required=False,
        strip=True,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 40}),
        help_text="Never shown. Leave it empty to keep the one that is stored.",
    )

    class Meta:
        model = PartnerConfiguration
        fields = "__all__"
        labels = {
            "url_style": "Addresses with an id",
            "upload_part_name": "Name of the uploaded part",
            "patch_content_type": "Content type of results",
            "assessment_api_path": "Path of the assessment API",
            "token_path": "Path of the token endpoint",
            "candidates_path": "Path of candidates",
            "jobs_path": "Path of jobs",
        }
        help_texts = {
            "display_mode": "Redirect leaves SmartRecruiters and comes back; Popup opens over SmartRecruiters.",
        }
        widgets = {
            "consent_scope": forms.Textarea(attrs={"rows": 4, "cols": 60}),
            "consent_limits": forms.Textarea(attrs={"rows": 4, "cols": 60}),
            "master_client_id": forms.TextInput(attrs={"autocomplete": "off", "size": 40}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.SMARTRECRUITERS_CLIENT_ID:
            # Who may only look gets no fields at all.
            for name in {"master_client_id", "master_client_secret"} & self.fields.keys():
                self.fields[name].disabled = True
                self.fields[name].help_text = FROM_ENVIRONMENT_HELP

    def clean_supported_types(self) -> list[str]:
        types: list[str] = self.cleaned_data["supported_types"]
        if objections := [said for rule in type_rules if (said := rule(types))]:
            raise forms.ValidationError(objections)
        return types

    def clean_master_client_secret(self) -> str:
        """A secret belongs to its id: a new id needs its secret with it."""
        secret: str = self.cleaned_data["master_client_secret"]
        has_new_id = self.cleaned_data.get("master_client_id") != self.get_stored_configuration().master_client_id
        if has_new_id and self.cleaned_data.get("master_client_id") and not secret:
            raise forms.ValidationError("A new client id needs its secret.")
        return secret

    def get_stored_configuration(self) -> PartnerConfiguration:
        return PartnerConfiguration.load()

    @property
    def has_new_credentials(self) -> bool:
        return bool({"master_client_id", "master_client_secret"} & set(self.changed_data))
