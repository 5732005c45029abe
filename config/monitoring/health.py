"""`/healthz`: the process lives. `/readyz`: it can do its work (INTERFACE.md)."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config.monitoring import degradations
from integrations import key_rotation, mail
from integrations.encryption import DecryptionError
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState

OVERDUE_AFTER = timedelta(minutes=5)


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def _find_outage() -> str:
    """What stops this process from working, or nothing."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations are missing: run manage.py migrate"
        key_rotation.check_keys()
        if connection.vendor == "postgresql" and _is_read_only():
            return "the database can only be read: it is a copy, or was set so"
    except DecryptionError as error:
        return str(error)
    except Exception as error:  # whatever the database driver raises means the same here
        return f"the database does not answer ({type(error).__name__})"
    return ""


def _is_read_only() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        row: tuple[str] = cursor.fetchone()
    return row == ("on",)


def _list_degradations() -> list[str]:
    oldest = Delivery.objects.filter(state=DeliveryState.PENDING).order_by("due_at").first()
    late = oldest is not None and clock.now() - oldest.due_at > OVERDUE_AFTER
    failed = Delivery.objects.filter(state=DeliveryState.FAILED).count()
    is_mute = not (settings.IS_LOOPBACK or mail.is_email_enabled())
    return [
        *[each.message for each in degradations.list_degradations(degradations.load_heartbeats())],
        *["deliveries are late: is a worker running?"] * late,
        *[f"{failed} deliveries failed"] * bool(failed),
        *["e-mails go nowhere: EMAIL_URL is not set"] * is_mute,
    ]


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    broken = _find_outage()
    if broken:
        return JsonResponse({"status": "unavailable", "reason": broken}, status=503)
    degraded = _list_degradations()
    body: dict[str, Any] = {"status": "degraded" if degraded else "ok", "degraded": degraded}
    return JsonResponse(body)
