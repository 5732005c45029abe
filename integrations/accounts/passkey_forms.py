"""allauth's forms of passkeys, which a script in the browser fills: whatever else is sent is refused by words."""

import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError
from django.forms import HiddenInput, JSONField
from django.forms.fields import InvalidJSONInput

from integrations.api.parsers import Malformed, loads

BROKEN = (LookupError, TypeError, AttributeError, ValueError, struct.error)
"""What the parsers raise for JSON of another shape."""
NOT_UNDERSTOOD = "This passkey was not understood."


class Credential(JSONField):
    """JSON as strict as a program's: Django's own field fails on deep nesting and on very long numbers."""

    def __init__(self) -> None:
        super().__init__(widget=HiddenInput)

    def to_python(self, value: Any) -> Any:
        try:
            return loads(value.encode()) if isinstance(value, str) and value.strip() else super().to_python(value)
        except (Malformed, UnicodeEncodeError):
            raise ValidationError(NOT_UNDERSTOOD) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """As it came: to show it again needs no parsing."""
        return InvalidJSONInput(data or "")


class Careful:
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc,no-any-return]
        except BROKEN:
            raise ValidationError(NOT_UNDERSTOOD) from None


class LoginForm(Careful, forms.LoginWebAuthnForm):
    credential = Credential()


class AuthenticateForm(Careful, forms.AuthenticateWebAuthnForm):
    credential = Credential()


class ReauthenticateForm(Careful, forms.ReauthenticateWebAuthnForm):
    credential = Credential()


class AddForm(forms.AddWebAuthnForm):
    credential = Credential()

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except BROKEN:
            raise ValidationError(NOT_UNDERSTOOD) from None
