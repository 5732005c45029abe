from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """Session of a browser, under a hash of its cookie. Only `session_store.py` writes it.

    `user` is in clear, unlike the encrypted data. It is empty until a sign-in.
    """

    user: Any = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions")

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    def __str__(self) -> str:
        """Return when it ends. Its key means nothing to people, and 64 characters fit on no phone."""
        return f"until {self.expire_date:%Y-%m-%d %H:%M} UTC"
