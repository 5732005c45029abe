"""Background job for catalogue imports from admin.

Small files are processed in the request; larger ones by a worker, with the progress stored in the row.
"""

from datetime import timedelta
from typing import Any

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from assessments.models import CatalogueImport, ImportState
from assessments.transfer import plan
from assessments.transfer.plan import Plan
from integrations import audit
from integrations.models import User
from integrations.outbox import leases

log = structlog.get_logger(__name__)
S = ImportState
OPEN_STATES = (S.CHECKING, S.APPLYING)
SYNC_MAX_BYTES = 128 * 1024
LEASE_NAME = "imports"
LEASE_SECONDS = 60
RETENTION_PERIOD = timedelta(days=1)
DISPLAY_LIMIT = 200
FAILURE_MESSAGE = "Internal error. Nothing was changed. If this happens again, contact the operator of this portal."


def start_import(*, by: User, content: bytes, retire_missing: bool) -> CatalogueImport:
    """Create an import that checks the file and shows its changes. The catalogue does not change yet."""
    import_job = CatalogueImport.objects.create(by=by, content=content, retire_missing=retire_missing)
    _run_if_small(import_job)
    return import_job


def confirm_import(import_job: CatalogueImport) -> bool:
    """Apply a checked import exactly as it was shown. Return False if it is not waiting for confirmation."""
    waiting = _select_row(import_job).filter(state=S.CHECKED).exclude(digest="")
    if not waiting.update(state=S.APPLYING, done=0, reason=""):
        return False
    _run_if_small(import_job)
    return True


def run_next() -> int:
    """Run the oldest open import under a lease. If the worker dies, the next one starts the import again."""
    if not CatalogueImport.objects.filter(state__in=OPEN_STATES).exists():
        return 0
    return leases.run_exclusively(LEASE_NAME, LEASE_SECONDS, _run_oldest)


def delete_expired() -> None:
    CatalogueImport.objects.filter(created_at__lt=timezone.now() - RETENTION_PERIOD).delete()


def _run_if_small(import_job: CatalogueImport) -> None:
    if len(import_job.content) <= SYNC_MAX_BYTES:  # without the lease it waits for the worker
        leases.run_exclusively(LEASE_NAME, LEASE_SECONDS, lambda lease: _run_step(import_job, lease))


def _run_oldest(lease: leases.Lease) -> int:
    oldest = CatalogueImport.objects.filter(state__in=OPEN_STATES).first()
    return 0 if oldest is None else _run_step(oldest, lease)


def _run_step(import_job: CatalogueImport, lease: leases.Lease) -> int:
    import_job.refresh_from_db()  # another process may have run it before we held the lease
    if import_job.state not in OPEN_STATES:
        return 0
    try:
        (_check_file if import_job.state == S.CHECKING else _apply_file)(import_job, lease)
    except leases.LeaseLostError:
        raise
    except Exception as error:  # otherwise the file would be started again every second
        log.exception("import failed", error=type(error).__name__)
        _select_row(import_job).update(state=S.FAILED, reason=FAILURE_MESSAGE, content=b"")
    return 1


def _check_file(import_job: CatalogueImport, lease: leases.Lease) -> None:
    content, progress = bytes(import_job.content), _track_progress(import_job, lease)
    _save_plan(import_job, plan.build_plan(content, retire_missing=import_job.retire_missing, progress=progress))


def _apply_file(import_job: CatalogueImport, lease: leases.Lease) -> None:
    def record_applied(applied_plan: Plan) -> None:
        lease.renew()
        _select_row(import_job).update(state=S.APPLIED, shown=_serialize_plan(applied_plan), content=b"")
        audit.record("catalogue.imported", "catalogue", actor=audit.Actor(import_job.by), counts=applied_plan.counts)

    try:
        plan.apply_plan(
            bytes(import_job.content),
            retire_missing=import_job.retire_missing,
            expected_digest=import_job.digest,
            check_progress=_track_progress(import_job, lease),
            on_applied=record_applied,
        )
    except plan.CatalogueChangedError as error:
        _save_plan(import_job, error.plan, reason=str(error))


def _track_progress(import_job: CatalogueImport, lease: leases.Lease) -> plan.ProgressCallback:
    def save_progress(done: int, total: int) -> None:
        lease.renew()
        _select_row(import_job).update(done=done, total=total)

    return save_progress


def _save_plan(import_job: CatalogueImport, import_plan: Plan, *, reason: str = "") -> None:
    digest = "" if import_plan.problems else import_plan.digest
    _select_row(import_job).update(state=S.CHECKED, shown=_serialize_plan(import_plan), digest=digest, reason=reason)


def _serialize_plan(import_plan: Plan) -> dict[str, Any]:
    changes = [change for change in import_plan.changes if change.kind != "unchanged"]
    return {
        "counts": import_plan.counts,
        "change_count": len(changes),
        "changes": [
            {**change._asdict(), "differences": [each._asdict() for each in change.differences]}
            for change in changes[:DISPLAY_LIMIT]
        ],
        "problem_count": len(import_plan.problems),
        "problems": [problem._asdict() for problem in import_plan.problems[:DISPLAY_LIMIT]],
        "warning_count": len(import_plan.warnings),
        "warnings": [warning._asdict() for warning in import_plan.warnings[:DISPLAY_LIMIT]],
    }


def _select_row(import_job: CatalogueImport) -> QuerySet[CatalogueImport]:
    return CatalogueImport.objects.filter(pk=import_job.pk)
