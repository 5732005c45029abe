"""OAuth clients that we issue: one for each attempt to connect a company, and one for each engine."""

import secrets
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.http import HttpRequest
from oauth2_provider.models import AbstractApplication

from integrations.text import isolate_direction

if TYPE_CHECKING:
    from integrations.models.connections import Connection

SMARTRECRUITERS_SCOPES = "packages_view orders_modify"
ENGINE_SCOPES = "vendor"


def make_client_id() -> str:
    return secrets.token_hex(16)


def make_client_secret() -> str:
    """Return 256 random bits, with a prefix for secret scanners."""
    return "srp_" + secrets.token_urlsafe(32)


class Client(AbstractApplication):
    """OAuth client: SmartRecruiters acting for one company or, without a connection, an engine."""

    connection = models.ForeignKey(
        "integrations.Connection", models.CASCADE, null=True, blank=True, related_name="clients", editable=False
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[models.Manager["Client"]] = models.Manager()

    class Meta(AbstractApplication.Meta):
        verbose_name = "engine"  # admin shows only engines

    def __str__(self) -> str:
        return isolate_direction(self.name) or self.client_id

    @classmethod
    def issue(cls, name: str, *, connection: "Connection | None" = None) -> tuple["Client", str]:
        """Create a client and return it with its secret in clear text. Only a hash is stored."""
        secret = make_client_secret()
        client = cls.objects.create(
            name=name,
            client_id=make_client_id(),
            client_secret=secret,
            connection=connection,
            client_type=cls.CLIENT_CONFIDENTIAL,
            authorization_grant_type=cls.GRANT_CLIENT_CREDENTIALS,
        )
        return client, secret

    @property
    def scopes(self) -> str:
        """Return the client's scopes. They are also granted to a request without scopes, like SmartRecruiters'."""
        return SMARTRECRUITERS_SCOPES if self.connection_id else ENGINE_SCOPES

    def is_usable(self, request: HttpRequest | None = None) -> bool:
        """Return True unless the client is revoked, or its connection refused or disabled. Called by the toolkit."""
        return self.revoked_at is None and (self.connection is None or self.connection.accepts_calls)
