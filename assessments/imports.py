"""Files on their way into the catalogue, from admin: a large one takes longer than a page may, so a worker does it.

The row says how far it is. Small files are done at once by the page itself, with the same code.
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
OPEN = (S.CHECKING, S.APPLYING)
AT_ONCE = 128 * 1024
LEASE = "imports"
LEASE_SECONDS = 60
KEPT_FOR = timedelta(days=1)
SHOWN_AT_MOST = 200
LOST = "Something went wrong here, and nothing was changed. If it does so again, tell whoever runs the portal."


def begin(*, by: User, content: bytes, retire_missing: bool) -> CatalogueImport:
    """Have a file looked through. Nothing is changed by that."""
    found = CatalogueImport.objects.create(by=by, content=content, retire_missing=retire_missing)
    _at_once(found)
    return found


def confirm(found: CatalogueImport) -> bool:
    """Have it applied, as it was shown, or not at all. False where it was not waiting for that."""
    waiting = _rows(found).filter(state=S.CHECKED).exclude(digest="")
    if not waiting.update(state=S.APPLYING, done=0, reason=""):
        return False
    _at_once(found)
    return True


def work() -> int:
    """Do the oldest that waits. One at a time, by a lease: if its worker dies, another begins it anew."""
    if not CatalogueImport.objects.filter(state__in=OPEN).exists():
        return 0
    return leases.alone(LEASE, LEASE_SECONDS, _work_under)


def forget_old() -> None:
    CatalogueImport.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()


def _at_once(found: CatalogueImport) -> None:
    """A small one, if nobody is at work; else it waits for its turn like others."""
    if len(found.content) <= AT_ONCE:
        leases.alone(LEASE, LEASE_SECONDS, lambda lease: _step(found, lease))


def _work_under(lease: leases.Lease) -> int:
    found = CatalogueImport.objects.filter(state__in=OPEN).first()
    return 0 if found is None else _step(found, lease)


def _step(found: CatalogueImport, lease: leases.Lease) -> int:
    found.refresh_from_db()  # another may have done it until we held the lease
    if found.state not in OPEN:
        return 0
    try:
        (_check if found.state == S.CHECKING else _apply)(found, lease)
    except leases.LeaseLost:
        raise
    except Exception as error:  # a file that breaks us must not be begun again every second
        log.exception("import failed", error=type(error).__name__)
        _rows(found).update(state=S.FAILED, reason=LOST, content=b"")
    return 1


def _check(found: CatalogueImport, lease: leases.Lease) -> None:
    _show(found, plan.make(**_wish(found), progress=_progress(found, lease)))


def _apply(found: CatalogueImport, lease: leases.Lease) -> None:
    def applied(done: Plan) -> None:
        lease.renew()
        _rows(found).update(state=S.APPLIED, shown=_shown(done), content=b"")
        audit.record("catalogue.imported", "catalogue", by=found.by, counts=done.counts)

    progress = _progress(found, lease)
    try:
        plan.apply(**_wish(found), expected=found.digest, checked=progress, applied=applied)
    except plan.Moved as moved:
        _show(found, moved.plan, reason=str(moved))


def _wish(found: CatalogueImport) -> dict[str, Any]:
    return {"content": bytes(found.content), "retire_missing": found.retire_missing}


def _progress(found: CatalogueImport, lease: leases.Lease) -> plan.Progress:
    def tell(done: int, total: int) -> None:
        lease.renew()
        _rows(found).update(done=done, total=total)

    return tell


def _show(found: CatalogueImport, made: Plan, *, reason: str = "") -> None:
    digest = "" if made.problems else made.digest
    _rows(found).update(state=S.CHECKED, shown=_shown(made), digest=digest, reason=reason)


def _shown(made: Plan) -> dict[str, Any]:
    changes = [change for change in made.changes if change.kind != "unchanged"]
    return {
        "counts": made.counts,
        "change_count": len(changes),
        "changes": [_as_written(change) for change in changes[:SHOWN_AT_MOST]],
        "problem_count": len(made.problems),
        "problems": [problem._asdict() for problem in made.problems[:SHOWN_AT_MOST]],
    }


def _as_written(change: plan.Change) -> dict[str, Any]:
    return {**change._asdict(), "differences": [each._asdict() for each in change.differences]}


def _rows(found: CatalogueImport) -> QuerySet[CatalogueImport]:
    return CatalogueImport.objects.filter(pk=found.pk)
