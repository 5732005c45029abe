"""The OAuth clients that we issue: one for each try to connect a company, and one for each engine."""

import secrets
from typing import ClassVar

from django.db import models
from django.http import HttpRequest
from oauth2_provider.models import AbstractApplication

SMARTRECRUITERS_SCOPES = "packages_view orders_modify"
ENGINE_SCOPES = "vendor"


def make_client_id() -> str:
    return secrets.token_hex(16)


def make_client_secret() -> str:
    """256 random bits, with a prefix by which a scanner finds a leaked one."""
    return "srp_" + secrets.token_urlsafe(32)


class Client(AbstractApplication):
    """A client-credentials client. With a connection it is SmartRecruiters acting for one company, else an engine."""

    connection = models.ForeignKey(
        "integrations.Connection",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="clients",
        editable=False,
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["Client"]] = models.Manager()

    class Meta(AbstractApplication.Meta):
        verbose_name = "engine"  # in admin, which shows no others

    @property
    def scopes(self) -> str:
        """All scopes this client may have; what it gets when it asks for none (SmartRecruiters asks for none)."""
        return SMARTRECRUITERS_SCOPES if self.connection_id else ENGINE_SCOPES

    def is_usable(self, request: HttpRequest | None = None) -> bool:
        """Alive, and of a connection that is neither refused nor disabled. Called by the toolkit for each token."""
        if self.revoked_at is not None:
            return False
        return self.connection is None or self.connection.accepts_calls
