"""Multi-factor authentication (MFA): TOTP secrets encrypted at rest, audited failures, passkeys for our host."""

from typing import Any, ClassVar

from allauth.account.internal.stagekit import unstash_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from integrations import audit
from integrations.encryption import seal, unseal
from integrations.http.ip_addresses import get_client_ip

SEAL_OWNER = "second factor"
SECRET_KEYS = ("secret", "seed")  # the encrypted values in the JSON of a TOTP and of a recovery code authenticator


def _get_email(request: HttpRequest) -> str:
    """Return the email of the user that is logging in, or is logged in already."""
    login = unstash_login(request, peek=True)
    user = login.user if login is not None else request.user
    return str(getattr(user, "email", ""))


class MFAAdapter(DefaultMFAAdapter):
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is wrong, or no longer valid. Try a new one.",
    }

    def encrypt(self, text: str) -> str:
        return seal(text, owner=SEAL_OWNER)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, owner=SEAL_OWNER)

    def validation_error(self, code: str, *args: object) -> ValidationError:
        """Audit a wrong code or passkey. allauth has no other hook for it."""
        if code == "incorrect_code" and self.request is not None:
            actor = audit.Actor(ip=get_client_ip(self.request))
            audit.record("sign_in.second_factor_failed", _get_email(self.request), actor=actor)
        error: ValidationError = super().validation_error(code, *args)
        return error

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Bind passkeys to the host of PUBLIC_URL, or to the request's host on a developer's machine."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        host = entity["id"] if settings.IS_LOOPBACK else settings.PUBLIC_HOST
        return {"id": host, "name": settings.BRAND_NAME}

    def generate_authenticator_name(self, user: object, type: Authenticator.Type) -> str:
        return "My device"
