"""Audit log: the only code that adds entries."""

from dataclasses import dataclass
from typing import Any, Self

from django.http import HttpRequest

from integrations.http.ip_addresses import get_client_ip
from integrations.models import AuditEntry, Client, User


@dataclass(frozen=True)
class Actor:
    """A user, or an engine's client, and the IP address that they act from. Without either, the portal acts."""

    user: User | None = None
    ip: str | None = None
    client: Client | None = None

    @classmethod
    def from_request(cls, request: HttpRequest) -> Self:
        """Return the signed-in user, if any, and the client's IP address."""
        return cls(request.user if isinstance(request.user, User) else None, get_client_ip(request))

    @property
    def name(self) -> str:
        if self.client is not None:
            return f"engine {self.client.name or self.client.client_id}"[:254]
        return self.user.email if self.user else ""


SYSTEM = Actor()


def record(action: str, subject: object, *, actor: Actor = SYSTEM, **detail: Any) -> AuditEntry:
    """Add an entry to the audit log.

    `action` has the form `noun.verb`, `subject` is the id of the object. Neither of them nor `detail` may hold a secret
    or a candidate's data.
    """
    return AuditEntry.objects.create(
        action=action, subject=str(subject), actor=actor.user, actor_name=actor.name, ip=actor.ip, detail=detail
    )
