"""Celery app. Tasks only wake workers; the database decides which work is due (integrations/outbox/README.md)."""

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("partnerside")


def _read_settings(**_: Any) -> None:
    # Only now: the supervisor imports this package, too, and must not load the settings.
    from config.server.preflight import read_settings

    read_settings()


app.on_configure.connect(_read_settings, weak=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["assessments", "integrations", "integrations.outbox", "orders"])
