"""Second factor forms of django-allauth: codes count once, and malformed passkeys get an error message."""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError
from django.forms import HiddenInput, JSONField
from django.forms.fields import InvalidJSONInput

from integrations.strict_json import MalformedJSONError, parse_json

# The WebAuthn parsers raise these for JSON of an unexpected shape.
PARSE_ERRORS = (LookupError, TypeError, AttributeError, ValueError, struct.error)
INVALID_PASSKEY = "This passkey is not valid."


class ActivateAppForm(ActivateTOTPForm):
    def clean_code(self) -> str:
        """Use the code up, as a sign-in does: an onlooker must not sign in with it (ASVS 6.5.1)."""
        code: str = super().clean_code()
        if not TOTP(Authenticator(user=self.user))._mark_code_used(code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CredentialField(JSONField):
    """JSON field with strict parsing. Django's own crashes on deep nesting and on very long numbers."""

    def __init__(self) -> None:
        super().__init__(widget=HiddenInput)

    def to_python(self, value: Any) -> Any:
        try:
            return parse_json(value.encode()) if isinstance(value, str) and value.strip() else super().to_python(value)
        except (MalformedJSONError, UnicodeEncodeError):
            raise ValidationError(INVALID_PASSKEY) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the raw input, since Django would parse it again to redisplay it."""
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
