from django.db import models

from integrations.encryption import Sealed, SealedField
from integrations.models.clients import Client


class IdempotencyRecord(models.Model):
    """Idempotency key of a POST, with its response, kept for a day. Without a status the first call is running."""

    CANDIDATE_FIELDS = ("body_sealed",)  # see tests/orders/privacy/personal_data.py

    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    path = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the body's fields and files.")
    status = models.PositiveSmallIntegerField(null=True)
    body_sealed = SealedField(help_text="May contain a secret or a candidate’s data.")
    body = Sealed("body_sealed", owner="digest")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "path", "key"], name="idempotency_key_once_per_path")]

    def __str__(self) -> str:
        return f"POST {self.path}"
