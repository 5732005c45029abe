"""What browsers send to the pages of a customer's people."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from integrations.accounts.forms import PASSWORD_HELP
from integrations.models import User
from integrations.roles import MemberRole


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=MemberRole.choices, initial=MemberRole.VIEWER)


class InviteForm(RoleForm):
    email = forms.EmailField(label="E-mail address", max_length=254)

    field_order = ("email", "role")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class SignupForm(forms.Form):
    """Somebody new, who chooses a password."""

    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput({"autocomplete": "name"}))
    password1 = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=PASSWORD_HELP,
    )
    password2 = forms.CharField(
        label="The same again", strip=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(data)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two are not the same.")
        elif first:
            try:
                validate_password(first, User(email=self.email, name=cleaned.get("name", "")))
            except ValidationError as error:
                self.add_error("password1", error)
        return cleaned
