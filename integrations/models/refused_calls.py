from django.db import models


class Endpoint(models.TextChoices):
    ORDERS = "orders", "Order"
    INLINE_ORDERS = "inline_orders", "Inline order"
    PACKAGES = "packages", "Package list"
    PACKAGE = "package", "One package"
    TOKEN = "token", "Token"
    DISABLE = "disable", "Disable"


class RefusedCall(models.Model):
    """A kind of call that was refused, with its reason and how often it came. Written by `api.refusals` only.

    Holds no value that was sent, except the order's id.
    """

    endpoint = models.CharField(max_length=20, choices=Endpoint.choices)
    status = models.PositiveSmallIntegerField()
    company_id = models.CharField("company", max_length=200, blank=True, help_text="Empty: the caller is unknown.")
    order_id = models.CharField(
        "order", max_length=64, blank=True, help_text="SmartRecruiters’ id of the order. Empty: none, or too many."
    )
    errors = models.CharField(
        max_length=500, blank=True, help_text="Fields and error codes, without values. Empty: too many kinds."
    )
    count = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["company_id", "order_id", "endpoint", "status", "errors"], name="refused_call_once_per_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_endpoint_display()} refused ({self.status})"
