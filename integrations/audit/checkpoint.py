"""The newest mac of the audit's chain, noted outside the database: that the end was cut off shows in nothing else.

One line, `number mac`, in `audit_head` in the data folder. It only ever moves forward along one chain: with another
chain in the database, by a hand or by a restored backup, it stays and `audit_verify` says so, until somebody who knows
why removes the file.
"""

import os
from pathlib import Path

import structlog
from django.conf import settings

from integrations.models import AuditEntry

log = structlog.get_logger(__name__)


def get_checkpoint_path() -> Path:
    return Path(settings.PORTAL_DATA_DIR) / "audit_head"


def read_checkpoint() -> tuple[int, str]:
    """(0, "") where nothing is noted yet."""
    try:
        number, _, mac = get_checkpoint_path().read_text().strip().partition(" ")
        return int(number), mac
    except (OSError, ValueError):
        return 0, ""


def write_checkpoint(number: int, mac: str) -> None:
    """Called after commit. A full disk stops no audit."""
    if find_mismatch():
        log.error("the audit's chain does not hold the newest mac that was noted", file=str(get_checkpoint_path()))
        return
    draft = get_checkpoint_path().with_name(f".audit_head.{os.getpid()}")
    try:
        draft.write_text(f"{number} {mac}\n")
        draft.replace(get_checkpoint_path())
    except OSError as error:
        log.warning("the audit's newest mac could not be noted", reason=error.strerror)


def find_mismatch() -> str:
    """What became of the entry that was the newest when it was noted; empty when it is there."""
    number, mac = read_checkpoint()
    if not number:
        return ""
    last = AuditEntry.objects.exclude(number=None).order_by("-number").values_list("number", flat=True).first() or 0
    if last < number:
        gone = f"entry {number}" if last == number - 1 else f"entries {last + 1} to {number}"
        return f"{gone} of the audit: cut off, or the database is older than {get_checkpoint_path()}"
    if not AuditEntry.objects.filter(number=number, mac=mac).exists():
        return f"entry {number} of the audit: not the one whose mac stands in {get_checkpoint_path()}"
    return ""
