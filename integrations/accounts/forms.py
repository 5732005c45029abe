"""allauth's forms, in our words."""

from typing import Any

from allauth.account import forms
from django.forms import Field

PASSWORD_HELP = "At least twelve characters, no common password, and nothing like your name or address."
EMAIL_LABEL = "E-mail address"
NEW_PASSWORD_LABEL, REPEAT_PASSWORD_LABEL = "New password", "The same again"


def _label_password_fields(fields: dict[str, Field]) -> None:
    fields["password1"].label, fields["password2"].label = NEW_PASSWORD_LABEL, REPEAT_PASSWORD_LABEL
    fields["password1"].help_text = PASSWORD_HELP


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    """Begins in its first field. Not in a frame, where a browser lets no page take the focus, and complains."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = EMAIL_LABEL
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
