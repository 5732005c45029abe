"""Form of the partner configuration."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings

from integrations.models import AssessmentType, PartnerConfiguration
from integrations.staff.model_admin import ModelForm

# Validators of the published types, added by apps on higher layers. Each returns an error message, or "".
type_rules: list[Callable[[list[str]], str]] = []
FROM_ENVIRONMENT_HELP = "Set by SMARTRECRUITERS_CLIENT_ID and SMARTRECRUITERS_CLIENT_SECRET, which override this page."


class PartnerConfigurationForm(ModelForm):
    supported_types = forms.MultipleChoiceField(
        label="Assessment types",
        choices=AssessmentType.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="At least one. Packages can be of these types only.",
    )
    master_client_secret = forms.CharField(
        label="Master client secret",
        required=False,
        strip=True,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "size": 40}),
        help_text="Never shown. Leave it empty to keep the stored one.",
    )

    class Meta:
        model = PartnerConfiguration
        fields = "__all__"
        labels = {
            "url_style": "URLs with an id",
            "upload_part_name": "Field name of uploads",
            "patch_content_type": "Content type of results",
            "assessment_api_path": "Assessment API path",
            "token_path": "Token endpoint path",
            "candidates_path": "Candidates path",
            "jobs_path": "Jobs path",
        }
        help_texts = {
            "display_mode": "Redirect leaves SmartRecruiters and returns; pop-up opens on top of SmartRecruiters.",
        }
        widgets = {
            "consent_scope": forms.Textarea(attrs={"rows": 4, "cols": 60}),
            "consent_limits": forms.Textarea(attrs={"rows": 4, "cols": 60}),
            "master_client_id": forms.TextInput(attrs={"autocomplete": "off", "size": 40}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.SMARTRECRUITERS_CLIENT_ID:
            # Users with view permission only get no fields at all.
            for name in {"master_client_id", "master_client_secret"} & self.fields.keys():
                self.fields[name].disabled = True
                self.fields[name].help_text = FROM_ENVIRONMENT_HELP

    def clean_supported_types(self) -> list[str]:
        types: list[str] = self.cleaned_data["supported_types"]
        if errors := [error for rule in type_rules if (error := rule(types))]:
            raise forms.ValidationError(errors)
        return types

    def clean_master_client_secret(self) -> str:
        """Require a new secret with a new client id."""
        secret: str = self.cleaned_data["master_client_secret"]
        has_new_id = self.cleaned_data.get("master_client_id") != PartnerConfiguration.load().master_client_id
        if has_new_id and self.cleaned_data.get("master_client_id") and not secret:
            raise forms.ValidationError("Enter the secret of the new client id.")
        return secret

    @property
    def has_new_credentials(self) -> bool:
        return bool({"master_client_id", "master_client_secret"} & set(self.changed_data))
