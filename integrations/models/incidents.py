from django.conf import settings
from django.db import models
from django.db.models import Q

from integrations.models.customers import Customer


class IncidentKind(models.TextChoices):
    COMPANY_CLASH = "company_clash", "Two customers claim a company"
    COMPANY_TRIES = "company_tries", "Repeated tries to connect a company"


class Incident(models.Model):
    """Something that staff should look into, open until they close it or its cause ends. Written by `incidents.py`."""

    kind = models.CharField(max_length=40, choices=IncidentKind.choices)
    subject = models.CharField(max_length=64, help_text="The company’s id.")
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="incidents")
    count = models.PositiveIntegerField("how often", default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "customer"], condition=Q(closed_at=None), name="incident_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"
