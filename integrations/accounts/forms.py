"""allauth's forms, in our words."""

from typing import Any

from allauth.account import forms
from django.forms import Field

HOW_TO_CHOOSE = "At least twelve characters, no common password, and nothing like your name or address."
E_MAIL = "E-mail address"
NEW, AGAIN = "New password", "The same again"


def _ask_for_password(fields: dict[str, Field]) -> None:
    fields["password1"].label, fields["password2"].label = NEW, AGAIN
    fields["password1"].help_text = HOW_TO_CHOOSE


class LoginForm(forms.LoginForm):  # type: ignore[misc]
    """Begins in its first field. Not in a frame, where a browser lets no page take the focus, and complains."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = E_MAIL
        if self.request and self.request.headers.get("Sec-Fetch-Dest") != "iframe":
            field.widget.attrs["autofocus"] = True


class ResetPasswordForm(forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = E_MAIL


class ResetPasswordKeyForm(forms.ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _ask_for_password(self.fields)


class ChangePasswordForm(forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"
        _ask_for_password(self.fields)
