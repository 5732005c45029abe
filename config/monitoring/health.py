"""Health checks: `/healthz` (liveness) and `/readyz` (readiness)."""

from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config.monitoring import degradations
from integrations import key_rotation, mail
from integrations.database import requirements
from integrations.encryption import DecryptionError
from integrations.outbox import statistics
from integrations.outbox.models import Delivery, DeliveryState


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def _find_outage() -> str:
    """Return why this process cannot work, or an empty string."""
    try:
        if message := requirements.find_wrong_encoding(connection):
            return message
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations are missing: run manage.py migrate"
        key_rotation.check_keys()
        if connection.vendor == "postgresql" and _is_read_only():
            return "the database is read-only: it is a replica, or was configured so"
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
    failed = Delivery.objects.filter(state=DeliveryState.FAILED).count()
    needs_email = not (settings.IS_LOOPBACK or mail.is_email_enabled())
    heartbeats = degradations.load_heartbeats()
    overdue = f"deliveries are overdue{degradations.explain_overdue(heartbeats)}".rstrip(".")
    return [
        *requirements.list_degradations(connection),
        *[each.message for each in degradations.list_degradations(heartbeats)],
        *[overdue] * bool(statistics.summarize_due().overdue_count),
        *[f"{failed} deliveries failed"] * bool(failed),
        *[f"emails are {mail.get_unsent_note()}"] * needs_email,
    ]


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    if reason := _find_outage():
        return JsonResponse({"status": "unavailable", "reason": reason}, status=503)
    degraded = _list_degradations()
    body: dict[str, Any] = {"status": "degraded" if degraded else "ok", "degraded": degraded}
    return JsonResponse(body)
