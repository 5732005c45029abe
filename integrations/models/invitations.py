import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import get_random_string

from integrations.encryption import Sealed, SealedField
from integrations.models.customers import Customer
from integrations.roles import MemberRole


def make_invitation_id() -> str:
    return "inv_" + get_random_string(12, "abcdefghijkmnpqrstuvwxyz23456789")


def make_invitation_token() -> str:
    return secrets.token_urlsafe(24)


def invitation_deadline() -> datetime:
    return timezone.now() + timedelta(days=7)


class Invitation(models.Model):
    """Invitation of a person to a customer, by email. Only `invitations.py` changes it.

    The link works once, until `expires_at`. Sending again replaces the link.
    """

    id = models.CharField(primary_key=True, max_length=20, default=make_invitation_id, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="invitations")
    email = models.EmailField("email address")
    role = models.CharField(max_length=20, choices=MemberRole.choices, default=MemberRole.ADMINISTRATOR)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    link_token_hash = models.CharField(max_length=64, unique=True, editable=False)
    link_token_sealed = SealedField()
    link_token = Sealed("link_token_sealed", owner="pk")
    sent_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=invitation_deadline, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-sent_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.customer}"

    @property
    def state(self) -> str:
        """Return `accepted`, `revoked`, `expired` or `open`."""
        if self.accepted_at or self.revoked_at:
            return "accepted" if self.accepted_at else "revoked"
        return "open" if self.expires_at > timezone.now() else "expired"
