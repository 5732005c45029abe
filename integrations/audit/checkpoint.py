"""Checkpoint of the audit log: the newest MAC, stored outside the database to detect truncation.

The file `audit_head` in the data folder holds one line, `number mac`. It only moves forward along one chain. If the
database holds another chain (manipulated, or restored from a backup), the file stays as it is and `audit_verify`
reports this, until an operator removes the file.
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
    """Return (number, MAC), or (0, "") if there is no checkpoint yet."""
    try:
        number, _, mac = get_checkpoint_path().read_text().strip().partition(" ")
        return int(number), mac
    except (OSError, ValueError):
        return 0, ""


def write_checkpoint(number: int, mac: str) -> None:
    """Store a checkpoint, after commit. A full disk is logged and does not stop the audit log."""
    if find_mismatch():
        log.error("audit log does not contain its checkpoint", file=str(get_checkpoint_path()))
        return
    draft = get_checkpoint_path().with_name(f".audit_head.{os.getpid()}")
    try:
        draft.write_text(f"{number} {mac}\n")
        draft.replace(get_checkpoint_path())
    except OSError as error:
        log.warning("audit log checkpoint not written", reason=error.strerror)


def find_mismatch() -> str:
    """Return a message if the chain does not contain the checkpoint, else ""."""
    path = get_checkpoint_path()
    number, mac = read_checkpoint()
    if not number:
        return ""
    last = AuditEntry.objects.exclude(number=None).order_by("-number").values_list("number", flat=True).first() or 0
    if last < number:
        return f"{format_range(last + 1, number)} of the audit log: cut off, or the database is older than {path}"
    if not AuditEntry.objects.filter(number=number, mac=mac).exists():
        return f"entry {number} of the audit log: its MAC is not the one in {path}"
    return ""


def format_range(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"
