"""Forms for inviting people, changing their role, and accepting an invitation."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from integrations.accounts.forms import CHOICE_HELP
from integrations.models import User
from integrations.roles import MemberRole


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=MemberRole.choices, initial=MemberRole.VIEWER)


class InviteForm(RoleForm):
    email = forms.EmailField(label="Email address", max_length=254)

    field_order = ("email", "role")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class SignupForm(forms.Form):
    """Sign-up form for an invited person without an account."""

    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput({"autocomplete": "name"}))
    password1 = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=CHOICE_HELP,
    )
    password2 = forms.CharField(
        label="Repeat password", strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(data)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password, repeated = cleaned.get("password1"), cleaned.get("password2")
        if password and repeated and password != repeated:
            self.add_error("password2", "The passwords do not match.")
        elif password:
            try:
                validate_password(password, User(email=self.email, name=cleaned.get("name", "")))
            except ValidationError as error:
                self.add_error("password1", error)
        return cleaned
