"""The newest seal of the audit's chain, noted outside the database: that the end was cut off shows in nothing else.

One line, `number seal`, in `audit_head` in the data folder. It only ever moves forward along one chain: with another
chain in the database, by a hand or by a restored backup, it stays and `audit_verify` says so, until somebody who knows
why removes the file.
"""

import os
from pathlib import Path

import structlog
from django.conf import settings

from integrations.models import AuditEntry

log = structlog.get_logger(__name__)


def path() -> Path:
    return Path(settings.PORTAL_DATA_DIR) / "audit_head"


def noted() -> tuple[int, str]:
    """(0, "") where nothing is noted yet."""
    try:
        number, _, seal = path().read_text().strip().partition(" ")
        return int(number), seal
    except (OSError, ValueError):
        return 0, ""


def note(number: int, seal: str) -> None:
    """Called after commit. A full disk stops no audit."""
    if wrong():
        log.error("the audit's chain does not hold the newest seal that was noted", file=str(path()))
        return
    draft = path().with_name(f".audit_head.{os.getpid()}")
    try:
        draft.write_text(f"{number} {seal}\n")
        draft.replace(path())
    except OSError as error:
        log.warning("the audit's newest seal could not be noted", reason=error.strerror)


def wrong() -> str:
    """What became of the entry that was the newest when it was noted; empty when it is there."""
    number, seal = noted()
    if not number:
        return ""
    last = AuditEntry.objects.exclude(number=None).order_by("-number").values_list("number", flat=True).first() or 0
    if last < number:
        gone = f"entry {number}" if last == number - 1 else f"entries {last + 1} to {number}"
        return f"{gone} of the audit: cut off, or the database is older than {path()}"
    if not AuditEntry.objects.filter(number=number, seal=seal).exists():
        return f"entry {number} of the audit: not the one whose seal stands in {path()}"
    return ""
