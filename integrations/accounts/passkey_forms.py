"""allauth's forms of passkeys, which a script in the browser fills: whatever else is sent is refused by words."""

import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError
from django.forms import HiddenInput, JSONField
from django.forms.fields import InvalidJSONInput

from integrations.strict_json import MalformedJSONError, parse_json

PARSE_ERRORS = (LookupError, TypeError, AttributeError, ValueError, struct.error)
"""What the parsers raise for JSON of another shape."""
INVALID_PASSKEY = "This passkey was not understood."


class CredentialField(JSONField):
    """JSON as strict as a program's: Django's own field fails on deep nesting and on very long numbers."""

    def __init__(self) -> None:
        super().__init__(widget=HiddenInput)

    def to_python(self, value: Any) -> Any:
        try:
            return parse_json(value.encode()) if isinstance(value, str) and value.strip() else super().to_python(value)
        except (MalformedJSONError, UnicodeEncodeError):
            raise ValidationError(INVALID_PASSKEY) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """As it came: to show it again needs no parsing."""
        return InvalidJSONInput(data or "")


class RejectMalformedMixin:
    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc,no-any-return]
        except PARSE_ERRORS:
            raise ValidationError(INVALID_PASSKEY) from None


class LoginForm(RejectMalformedMixin, forms.LoginWebAuthnForm):
    credential = CredentialField()


class AuthenticateForm(RejectMalformedMixin, forms.AuthenticateWebAuthnForm):
    credential = CredentialField()


class ReauthenticateForm(RejectMalformedMixin, forms.ReauthenticateWebAuthnForm):
    credential = CredentialField()


class AddForm(forms.AddWebAuthnForm):
    credential = CredentialField()

    def clean(self) -> dict[str, Any]:
        try:
            return dict(super().clean())
        except PARSE_ERRORS:
            raise ValidationError(INVALID_PASSKEY) from None
