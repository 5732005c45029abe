"""Connections of customers to SmartRecruiters companies, consents, and attempts to connect.

See integrations/connections/README.md.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.crypto import get_random_string

from integrations.encryption import Sealed, SealedField
from integrations.http.trusted_origins import MAX_URL_LENGTH
from integrations.models.clients import Client
from integrations.models.companies import CompanyClaim
from integrations.models.customers import Customer


class ConnectionState(models.TextChoices):
    APPROVED = "approved"
    EXCHANGING = "exchanging"
    LIVE = "live"
    REFUSED = "refused"
    NEEDS_RECONNECT = "needs_reconnect"
    DISABLED = "disabled"


class ReportDelivery(models.TextChoices):
    HOSTED = "hosted", "A link to the report, hosted here"
    UPLOAD = "upload", "The file, uploaded to SmartRecruiters"


ENDED_REMOTELY = "Disconnected in SmartRecruiters."


class Connection(models.Model):  # type: ignore[django-manager-missing] # the toolkit's is untyped
    """Connection of a customer to a company. Only `lifecycle.py` changes its state.

    A company has at most one that is not released. A released one has ended for good, and keeps its customer's orders.
    """

    company_id = models.CharField(max_length=64)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="connections")
    state = models.CharField(max_length=20, choices=ConnectionState.choices, default=ConnectionState.APPROVED)
    reason = models.CharField(max_length=500, blank=True, help_text="SmartRecruiters’ reason, or the problem.")
    report_delivery = models.CharField(
        "reports reach recruiters as",
        max_length=10,
        choices=ReportDelivery.choices,
        blank=True,
        help_text="Leave empty to use the setting of the partner configuration.",
    )
    their_client_id = models.CharField(max_length=255, blank=True, editable=False)
    their_client_secret_sealed = SealedField()
    their_client_secret = Sealed("their_client_secret_sealed", owner="company_id")
    access_token_sealed = SealedField()
    access_token = Sealed("access_token_sealed", owner="company_id")
    access_token_expires_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    connected_at = models.DateTimeField(null=True, editable=False, help_text="When the connection first went live.")
    disabled_at = models.DateTimeField(null=True, editable=False)
    released_at = models.DateTimeField(
        "given up", null=True, editable=False, help_text="When the company became free for another customer."
    )

    class Meta:
        ordering = ["company_id", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id"], condition=models.Q(released_at=None), name="connection_once_per_company"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=ConnectionState.LIVE) | ~models.Q(their_client_id=""),
                name="connection_live_has_their_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} – {self.company_id}"

    @property
    def stream_name(self) -> str:
        return f"connection:{self.pk}"

    @property
    def is_ended_remotely(self) -> bool:
        """Return True if the connection was ended in SmartRecruiters, which can then connect again at once."""
        return self.state == ConnectionState.DISABLED and self.reason == ENDED_REMOTELY

    @property
    def accepts_calls(self) -> bool:
        return self.state not in (ConnectionState.REFUSED, ConnectionState.DISABLED)

    @property
    def can_receive_orders(self) -> bool:
        """Return True if SmartRecruiters may have credentials of ours that still work."""
        return self.accepts_calls and self.clients.filter(revoked_at=None).exists()


class DisplayMode(models.TextChoices):
    REDIRECT = "REDIRECT"
    POPUP = "POPUP"


def make_consent_key() -> str:
    return get_random_string(32)


def consent_deadline() -> datetime:
    return timezone.now() + timedelta(minutes=10)


class Consent(models.Model):
    """Record of consent: one visit of the consent page, valid for ten minutes and one decision.

    Created at the first GET. Later steps read company, redirect and mode from here, never from the browser (threat C15
    in tests/reliability/README.md).
    """

    key = models.CharField(max_length=32, unique=True, default=make_consent_key, editable=False)
    company_id = models.CharField(max_length=64)
    redirect = models.CharField(max_length=MAX_URL_LENGTH, blank=True)
    mode = models.CharField(max_length=10, choices=DisplayMode.choices)
    expires_at = models.DateTimeField(default=consent_deadline)
    created_at = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=10, blank=True, choices=[("approve", "approved"), ("deny", "denied")])
    decided_at = models.DateTimeField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    customer = models.ForeignKey(Customer, models.SET_NULL, null=True, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    claim = models.ForeignKey(
        CompanyClaim,
        models.SET_NULL,
        null=True,
        related_name="consents",
        help_text="The claim that staff had to confirm first. Empty: none.",
    )
    wording = models.TextField(blank=True, help_text="The sentences that were shown.")
    wording_version = models.CharField("version of the wording", max_length=12, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "consent record"

    def __str__(self) -> str:
        return f"{self.company_id} at {self.created_at:%Y-%m-%d %H:%M}"


class ConnectAttempt(models.Model):
    """Attempt to connect, with credentials that no other attempt uses."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="attempts")
    consent = models.OneToOneField(Consent, models.PROTECT, null=True, related_name="attempt")
    client = models.OneToOneField(Client, models.SET_NULL, null=True, related_name="attempt")
    client_id_sent = models.CharField(max_length=255, unique=True)
    client_secret_sealed = SealedField(help_text="Our client secret, kept for this attempt only.")
    client_secret = Sealed("client_secret_sealed", owner="client_id_sent")
    state = models.CharField(max_length=20, choices=ConnectionState.choices, default=ConnectionState.APPROVED)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.connection.company_id} at {self.created_at:%Y-%m-%d %H:%M}"
