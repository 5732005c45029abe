"""The second factor's secrets at rest: sealed like every other, so that a dump makes no codes."""

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from integrations.encryption import seal, unseal

OWNER = "second factor"
NAMES = ("secret", "seed")
"""Where an authenticator's JSON holds what is sealed: of an app, and of recovery codes."""


class SecondFactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text, owner=OWNER)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, owner=OWNER)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """A passkey is for PUBLIC_URL's name, whatever name a browser came by; on a developer's machine are several."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        host = entity["id"] if settings.IS_LOOPBACK else settings.PUBLIC_HOST
        return {"id": host, "name": settings.BRAND_NAME}

    def generate_authenticator_name(self, user: object, type: Authenticator.Type) -> str:
        return "My device"
