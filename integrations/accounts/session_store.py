"""Session store: database sessions under a hash of the cookie, with encrypted data, so that a dump opens no session."""

from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from integrations.encryption import DecryptionError, hash_token, seal, unseal
from integrations.models import Session

SEAL_OWNER = "session"
KEY_LENGTH = 40  # the length of Django's column; 160 bits


def hash_session_key(session_key: str) -> str:
    return hash_token(session_key)[:KEY_LENGTH]


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls) -> type[AbstractBaseSession]:
        return Session

    def encode(self, session_dict: dict[str, Any]) -> str:
        return seal(super().encode(session_dict), owner=SEAL_OWNER)

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """Return the session's data, or an empty session if its encryption key is gone."""
        try:
            return super().decode(unseal(str(session_data), owner=SEAL_OWNER))
        except DecryptionError:
            return {}

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        key = hash_session_key(self.session_key or "")
        session = self.model.objects.filter(session_key=key, expire_date__gt=timezone.now()).first()
        if session is None:
            self._session_key = None
        return session

    def exists(self, session_key: str) -> bool:
        return self.model.objects.filter(session_key=hash_session_key(session_key)).exists()

    def create_model_instance(self, data: dict[str, object]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = hash_session_key(row.session_key)
        cast(Any, row).user_id = data.get(SESSION_KEY)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=hash_session_key(key)).delete()
