"""Encryption of secrets at rest: Fernet with rotating keys, and the owner bound inside the ciphertext.

A value copied into another owner's row cannot be decrypted there (threat S5 in tests/reliability/README.md). The first
of ENCRYPTION_KEYS encrypts, each of them decrypts.
"""

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[str, str]
else:
    TextField = models.TextField


class DecryptionError(Exception):
    """No key in ENCRYPTION_KEYS decrypts the value, or it belongs to another row."""


def hash_token(token: str) -> str:
    """Return the hash by which a random token is looked up: SHA-256, since there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4)
def _build_fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str, *, owner: str) -> str:
    return _build_fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(f"{owner}\0{text}".encode()).decode()


def unseal(sealed: str, *, owner: str) -> str:
    """Decrypt a value. Raises DecryptionError if no key fits or if it belongs to another owner."""
    try:
        bound, _, text = (
            _build_fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode().partition("\0")
        )
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
        return _build_fernet(tuple(settings.ENCRYPTION_KEYS)).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise DecryptionError("no key in ENCRYPTION_KEYS decrypts it") from None


def has_newest_key(sealed: str) -> bool:
    try:
        _build_fernet(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


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
