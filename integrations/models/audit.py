from django.conf import settings
from django.db import models
from django.db.models import Q


class AuditEntry(models.Model):
    """Entry of the audit log, written by `audit.record` and never changed.

    `number` and `mac` are set after commit by `integrations/audit/chain.py`: to chain each entry when it is written,
    all transactions would have to wait for one lock.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=200, db_index=True)
    detail = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    number = models.PositiveBigIntegerField(null=True, unique=True, editable=False)
    mac = models.CharField(
        max_length=64, blank=True, editable=False, help_text="MAC of this entry and of the previous MAC."
    )

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["id"], name="audit_to_number", condition=Q(number=None))]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"

    @property
    def actor_label(self) -> str:
        """Who acted, for people. Without a name it is a visitor or SmartRecruiters, or the portal itself."""
        return self.actor_name or ("not signed in" if self.ip else "the portal, or another system")
