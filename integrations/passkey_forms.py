"""allauth's forms of passkeys, which a script in the browser fills: whatever else is sent is refused by words."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError

BROKEN = (KeyError, TypeError, AttributeError, ValueError)
"""What the parsers raise for JSON of another shape."""


class Careful:
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc,no-any-return]
        except BROKEN:
            raise ValidationError("This passkey was not understood.") from None


class LoginForm(Careful, forms.LoginWebAuthnForm):
    pass


class AuthenticateForm(Careful, forms.AuthenticateWebAuthnForm):
    pass


class ReauthenticateForm(Careful, forms.ReauthenticateWebAuthnForm):
    pass


class AddForm(forms.AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except BROKEN:
            raise ValidationError("This passkey was not understood.") from None
