"""Encryption of secrets at rest: AES-256-GCM with rotating keys, and the owner bound inside the ciphertext.

A value copied into another owner's row cannot be decrypted there (threat S5 in tests/reliability/README.md). The first
of ENCRYPTION_KEYS encrypts, each of them decrypts. Values of former versions are Fernet tokens (AES-128-CBC with HMAC),
which are read, and replaced by key rotation.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


PREFIX = "aes256gcm."
NONCE_SIZE = 12  # random: under one key, 2³² values are safe, which are some years of sessions


class DecryptionError(Exception):
    """No key in ENCRYPTION_KEYS decrypts the value, or it belongs to another row."""


def hash_token(token: str) -> str:
    """Return the hash by which a random token is looked up: SHA-256, since random tokens cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Keyring:
    """Encrypts with the first key, and decrypts with each. A key is 32 random bytes in URL-safe base64."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._ciphers = [AESGCM(_derive_key(key)) for key in keys]
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(NONCE_SIZE)
        sealed = nonce + self._ciphers[0].encrypt(nonce, text.encode(), PREFIX.encode())
        return PREFIX + base64.urlsafe_b64encode(sealed).decode()

    def decrypt(self, sealed: str) -> str:
        """Decrypt a value. Raises InvalidToken if no key fits, or if it was changed."""
        if not sealed.startswith(PREFIX):
            return self._fernet.decrypt(sealed.encode()).decode()
        for cipher in self._ciphers:
            if (text := self._open(cipher, sealed)) is not None:
                return text
        raise InvalidToken

    def _open(self, cipher: AESGCM, sealed: str) -> str | None:
        """Return the text, or None if it is not under this key."""
        try:
            content = base64.urlsafe_b64decode(sealed.removeprefix(PREFIX))
            return cipher.decrypt(content[:NONCE_SIZE], content[NONCE_SIZE:], PREFIX.encode()).decode()
        except (InvalidTag, ValueError):  # also no base64, or too short
            return None

    def is_under_newest(self, sealed: str) -> bool:
        """Return True if the first key encrypted the value, by the present algorithm."""
        return sealed.startswith(PREFIX) and self._open(self._ciphers[0], sealed) is not None


def _derive_key(key: str) -> bytes:
    """Derive the key of AES: Fernet has halves of the same bytes for other algorithms."""
    return HKDF(SHA256(), 32, salt=None, info=PREFIX.encode()).derive(base64.urlsafe_b64decode(key))


@lru_cache(maxsize=4)
def _build_keyring(keys: tuple[str, ...]) -> Keyring:
    return Keyring(keys)


def _keyring() -> Keyring:
    return _build_keyring(tuple(settings.ENCRYPTION_KEYS))


def seal(text: str, *, owner: str) -> str:
    return _keyring().encrypt(f"{owner}\0{text}")


def unseal(sealed: str, *, owner: str) -> str:
    """Decrypt a value. Raises DecryptionError if no key fits or if it belongs to another owner."""
    try:
        bound, _, text = _keyring().decrypt(sealed).partition("\0")
    except InvalidToken:
        raise DecryptionError(
            f"no key in ENCRYPTION_KEYS decrypts the secret of {owner}: add the former key again"
        ) from None
    if bound != owner:
        raise DecryptionError(f"the secret of {owner} was encrypted for another row")
    return text


def reseal(sealed: str) -> str:
    """Encrypt the same value with the newest key. Raises DecryptionError."""
    try:
        return _keyring().encrypt(_keyring().decrypt(sealed))
    except InvalidToken:
        raise DecryptionError("no key in ENCRYPTION_KEYS decrypts it") from None


def has_newest_key(sealed: str) -> bool:
    return _keyring().is_under_newest(sealed)


class SealedField(TextField):
    """Ciphertext column. `Sealed` gives access to the clear text; key rotation finds columns by this class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)


class Sealed:
    """Descriptor for the clear text of a SealedField. The value of the attribute `owner` is bound to the ciphertext."""

    def __init__(self, column: str, *, owner: str) -> None:
        self.column, self.owner = column, owner

    def _build_owner(self, row: models.Model) -> str:
        return f"{row._meta.label_lower}:{getattr(row, self.owner)}:{self.column}"

    def __get__(self, row: models.Model | None, _model: type | None = None) -> str:
        if row is None:
            return self  # type: ignore[return-value]
        sealed: str = getattr(row, self.column)
        return unseal(sealed, owner=self._build_owner(row)) if sealed else ""

    def __set__(self, row: models.Model, text: str) -> None:
        setattr(row, self.column, seal(text, owner=self._build_owner(row)) if text else "")
