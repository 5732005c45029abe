"""Celery only wakes workers: a task carries ids, the database says what is due (DESIGN.md, "The way of an order")."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("partnerside")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["integrations", "integrations.outbox", "orders"])
