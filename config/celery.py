"""Celery app. Tasks only wake workers; the database decides which work is due (integrations/outbox/README.md)."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class BrokerConnection(AMQP.Connection):
    """Connection that looks for a lost broker every second. Kombu's own pauses grow to 30 seconds."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        options = {"interval_start": 1, "interval_step": 0, "interval_max": 1, **options}
        return super().ensure_connection(*args, **options)


class BrokerProtocol(AMQP):
    Connection = BrokerConnection


app = Celery("partnerside", amqp=BrokerProtocol)


def _read_settings(**_: Any) -> None:
    # Only now: the supervisor imports this package, too, and must not load the settings.
    from config.server.preflight import read_settings

    read_settings()


def _prepare_database(**_: Any) -> None:
    from config.server.preflight import check_database
    from integrations.database.limits import use_worker_limits

    use_worker_limits()
    check_database()


app.on_configure.connect(_read_settings, weak=False)
worker_init.connect(_prepare_database, weak=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["assessments", "integrations", "integrations.outbox", "orders"])
