"""Claims of customers on companies. See integrations/connections/README.md, "Who may connect a company"."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from integrations.models.customers import Customer


class ClaimState(models.TextChoices):
    WAITING = "waiting"
    ASSIGNED = "assigned"
    DENIED = "denied"


class CompanyClaim(models.Model):
    """A customer's claim on a company: a request that waits for staff, or their decision.

    Only the modules of `integrations/connections/claims/` write it.
    """

    company_id = models.CharField("company", max_length=64)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="claims")
    state = models.CharField(max_length=20, choices=ClaimState.choices)
    requested_at = models.DateTimeField(null=True, help_text="When its administrators first asked. Empty: never.")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["company_id", "pk"]
        constraints = [
            models.UniqueConstraint(Lower("company_id"), "customer", name="company_claim_once_per_customer"),
            # Whether SmartRecruiters tells ids apart by case is unknown.
            models.UniqueConstraint(
                Lower("company_id"), condition=Q(state=ClaimState.ASSIGNED), name="company_assigned_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer} – {self.company_id}"
