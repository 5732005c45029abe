"""allauth's forms, in our words."""

from typing import Any

from allauth.account import forms

E_MAIL = "E-mail address"
NEW, AGAIN = "New password", "The same again"


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
        self.fields["password1"].label, self.fields["password2"].label = NEW, AGAIN


class ChangePasswordForm(forms.ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Current password"
        self.fields["password1"].label, self.fields["password2"].label = NEW, AGAIN
