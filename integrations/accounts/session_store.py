"""Sessions in the database under a hash of the cookie, and sealed: who reads the table, or a backup, is nobody yet."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from integrations.encryption import DecryptionError, seal, unseal

SEAL_OWNER = "session"
KEY_LENGTH = 40
"""As long as Django's column; 160 of SHA-256's bits."""


def hash_session_key(session_key: str) -> str:
    """Under which key the table has the session of this cookie."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:KEY_LENGTH]


class SessionStore(db.SessionStore):
    def encode(self, session_dict: dict[str, Any]) -> str:
        return seal(super().encode(session_dict), owner=SEAL_OWNER)

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Nothing, where no key opens it any more: then somebody signs in again."""
        try:
            return super().decode(unseal(str(session_data), owner=SEAL_OWNER))
        except DecryptionError:
            return {}

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        row = self.model.objects.filter(
            session_key=hash_session_key(self.session_key or ""), expire_date__gt=timezone.now()
        )
        found = row.first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return self.model.objects.filter(session_key=hash_session_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, object]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = hash_session_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=hash_session_key(key)).delete()
