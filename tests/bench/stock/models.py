"""One table."""

from django.db import models


class Order(models.Model):
    order_id = models.CharField(max_length=64, unique=True)
    callback_url = models.URLField(max_length=500)
    package_id = models.CharField(max_length=64)
    company_id = models.CharField(max_length=64)
    candidate = models.JSONField()
    requester = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.order_id
