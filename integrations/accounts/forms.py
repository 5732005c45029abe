"""Login and password forms of django-allauth, with our labels."""

from typing import Any

from allauth.account import forms
from django.forms import Field

PASSWORD_HELP = "At least twelve characters, not a common password, and not similar to your name or email address."
EMAIL_LABEL = "Email address"
NEW_PASSWORD_LABEL, REPEAT_PASSWORD_LABEL = "New password", "Repeat password"


def _label_password_fields(fields: dict[str, Field]) -> None:
    fields["password1"].label, fields["password2"].label = NEW_PASSWORD_LABEL, REPEAT_PASSWORD_LABEL
    fields["password1"].help_text = PASSWORD_HELP


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = EMAIL_LABEL
        # In a cross-origin frame browsers block autofocus and log an error.
        if self.request and self.request.headers.get("Sec-Fetch-Dest") != "iframe":
            field.widget.attrs["autofocus"] = True


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = EMAIL_LABEL


class ResetPasswordKeyForm(forms.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label_password_fields(self.fields)


class ChangePasswordForm(forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"
        _label_password_fields(self.fields)
