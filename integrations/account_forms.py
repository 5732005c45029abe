"""allauth's forms, in our words."""

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm

E_MAIL = "E-mail address"


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """Begins in its first field. Not in a frame, where a browser lets no page take the focus, and complains."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["login"]
        field.label = E_MAIL
        if self.request and self.request.headers.get("Sec-Fetch-Dest") != "iframe":
            field.widget.attrs["autofocus"] = True


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = E_MAIL
