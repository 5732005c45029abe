"""Health checks: `/healthz` (liveness) and `/readyz` (readiness)."""

import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config.monitoring import degradations
from integrations import key_rotation, mail
from integrations.database import requirements
from integrations.encryption import DecryptionError
from integrations.outbox import statistics
from integrations.outbox.models import Delivery, DeliveryState

KEPT_SECONDS = 1.0


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def _find_outage() -> str:
    """Return why this process cannot work, or an empty string."""
    try:
        if message := requirements.find_wrong_encoding(connection):
            return message
        if _latest_migrations() - MigrationRecorder(connection).applied_migrations().keys():
            return "migrations are missing: run manage.py migrate"
        key_rotation.check_keys()
        if connection.vendor == "postgresql" and _is_read_only():
            return "the database is read-only: it is a replica, or was configured so"
    except DecryptionError as error:
        return str(error)
    except Exception as error:  # whatever the database driver raises means the same here
        return f"the database does not answer ({type(error).__name__})"
    return ""


@cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """Return the last migration of each app, by the files, which do not change while the process lives."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _is_read_only() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        row: tuple[str] = cursor.fetchone()
    return row == ("on",)


def _list_degradations() -> list[str]:
    has_failed = Delivery.objects.filter(state=DeliveryState.FAILED).exists()
    needs_email = not (settings.IS_LOOPBACK or mail.is_email_enabled())
    heartbeats = degradations.load_heartbeats()
    overdue = f"deliveries are overdue{degradations.explain_overdue(heartbeats)}".rstrip(".")
    return [
        *requirements.list_degradations(connection),
        *[each.message for each in degradations.list_degradations(heartbeats)],
        *[overdue] * bool(statistics.summarize_due().overdue_count),
        *["deliveries failed: see the overview in admin"] * has_failed,
        *[f"emails are {mail.get_unsent_note()}"] * needs_email,
    ]


@dataclass(frozen=True)
class Readiness:
    status: int
    body: dict[str, Any]
    checked_at: float


def _check_readiness() -> Readiness:
    if reason := _find_outage():
        return Readiness(503, {"status": "unavailable", "reason": reason}, time.monotonic())
    degraded = _list_degradations()
    body = {"status": "degraded" if degraded else "ok", "degraded": degraded}
    return Readiness(200, body, time.monotonic())


_lock = threading.Lock()
_last: Readiness | None = None


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer with a check that is at most KEPT_SECONDS old: the route is public, and each check takes many queries."""
    global _last
    with _lock:
        if _last is None or time.monotonic() - _last.checked_at >= KEPT_SECONDS:
            _last = _check_readiness()
        return JsonResponse(_last.body, status=_last.status)
