"""Login and password forms of django-allauth, with our labels."""

from typing import Any, ClassVar

from allauth.account import forms
from django.forms import Field
from django.http import HttpRequest

from integrations.accounts import emails
from integrations.accounts.password_links import LinkTokenGenerator

CHOICE_HELP = (
    "At least twelve characters that are hard to guess: not a common password, and not made of your name, email "
    "address or organisation."
)
NEW_PASSWORD_LABELS = {"password1": "New password", "password2": "Repeat password"}


class LabelsMixin:
    labels: ClassVar[dict[str, str]]
    fields: dict[str, Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in self.labels.items():
            self.fields[name].label = label
        if "password1" in self.fields:
            self.fields["password1"].help_text = CHOICE_HELP


class LoginForm(LabelsMixin, forms.LoginForm):  # type: ignore[misc]
    labels: ClassVar = {"login": "Email address"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In a cross-origin frame browsers block autofocus and log an error.
        if self.request and self.request.headers.get("Sec-Fetch-Dest") != "iframe":
            self.fields["login"].widget.attrs["autofocus"] = True


class ResetPasswordForm(LabelsMixin, forms.ResetPasswordForm):  # type: ignore[misc]
    labels: ClassVar = {"email": "Email address"}

    def clean_email(self) -> str:
        """Look up no account, so that the response takes as long for an email address without an account."""
        return str(self.cleaned_data["email"]).lower()

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = self.cleaned_data["email"]
        emails.send_reset_email(email)
        return email


class ResetPasswordKeyForm(LabelsMixin, forms.ResetPasswordKeyForm):  # type: ignore[misc]
    labels: ClassVar = NEW_PASSWORD_LABELS


class UserTokenForm(forms.UserTokenForm):  # type: ignore[misc]
    token_generator = LinkTokenGenerator()


class ChangePasswordForm(LabelsMixin, forms.ChangePasswordForm):  # type: ignore[misc]
    labels: ClassVar = {"oldpassword": "Current password", **NEW_PASSWORD_LABELS}
