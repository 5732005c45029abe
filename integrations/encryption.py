"""Secrets at rest: Fernet under rotating keys, with the owner bound inside the ciphertext.

A sealed value copied into another owner's row does not open there (RELIABILITY.md, S5). ENCRYPTION_KEYS holds the
keys, newest first; every one of them opens, the newest seals.
"""

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
    """No key of ENCRYPTION_KEYS opens this value, or it belongs to another row."""


@lru_cache(maxsize=4)
def _build_fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str, *, owner: str) -> str:
    return _build_fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(f"{owner}\0{text}".encode()).decode()


def unseal(sealed: str, *, owner: str) -> str:
    """The clear text. Raises DecryptionError if no key opens it or if it was sealed for another owner."""
    try:
        bound, _, text = (
            _build_fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(sealed.encode()).decode().partition("\0")
        )
    except InvalidToken:
        raise DecryptionError(
            f"no key in ENCRYPTION_KEYS opens the secret of {owner}: put the former key back"
        ) from None
    if bound != owner:
        raise DecryptionError(f"the secret of {owner} was sealed for another row")
    return text


def reseal(sealed: str) -> str:
    """The same value under the newest key. Raises DecryptionError if no key opens it."""
    try:
        return _build_fernet(tuple(settings.ENCRYPTION_KEYS)).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise DecryptionError("no key in ENCRYPTION_KEYS opens it") from None


def has_newest_key(sealed: str) -> bool:
    """Whether the newest key opens it: nothing of the value needs a former one."""
    try:
        _build_fernet(tuple(settings.ENCRYPTION_KEYS[:1])).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


class SealedField(TextField):
    """Holds ciphertext only. `Sealed` beside it reads and writes the clear text; rotation finds it by this class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)


class Sealed:
    """The clear text of a SealedField; `owner` names the attribute whose value is bound inside the ciphertext."""

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
