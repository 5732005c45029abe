"""The second factor's secrets at rest: sealed like every other, so that a dump makes no codes."""

from allauth.mfa.adapter import DefaultMFAAdapter

from integrations.encryption import seal, unseal

OWNER = "second factor"
NAMES = ("secret", "seed")
"""Where an authenticator's JSON holds what is sealed: of an app, and of recovery codes."""


class SecondFactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text, owner=OWNER)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, owner=OWNER)
