"""Tamper-evident audit log: a hash chain of keyed MACs (threat S8 in tests/reliability/README.md).

Each entry has a number and a MAC over itself and the previous MAC. The MACs are keyed by SECRET_KEY, so write access to
the database is not enough to forge them. To detect truncation as well, the newest MAC is logged, and stored outside the
database (checkpoint.py).
"""

import json
from collections.abc import Iterator
from functools import partial

import structlog
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from integrations.audit import checkpoint
from integrations.audit.checkpoint import format_range
from integrations.database.chunks import iterate_in_chunks
from integrations.models import AuditEntry
from integrations.outbox import numbering

log = structlog.get_logger(__name__)
CHAIN_STREAM = "audit"


def compute_mac(entry: AuditEntry, previous_mac: str) -> str:
    """Return the MAC of a stored entry.

    `actor` is not covered: it becomes NULL when the user is deleted, while `actor_name` stays.
    """
    content = [
        previous_mac,
        entry.number,
        entry.at.isoformat(),
        entry.actor_name,
        entry.action,
        entry.subject,
        entry.detail,
        entry.ip,
    ]
    return salted_hmac("integrations.audit", json.dumps(content, sort_keys=True), algorithm="sha256").hexdigest()


def append_pending() -> int:
    """Add the entries committed since the last run to the chain, under a lease. Returns their count."""
    return numbering.number_rows(AuditEntry, CHAIN_STREAM, _save_macs)


def _save_macs(entries: list[AuditEntry], last: AuditEntry | None) -> None:
    mac = last.mac if last else ""
    for entry in entries:
        entry.mac = mac = compute_mac(entry, mac)
        entry.save(update_fields=["number", "mac"])
    number = entries[-1].number or 0
    log.info("audit chained", number=number, mac=mac)
    transaction.on_commit(partial(checkpoint.write_checkpoint, number, mac))


def verify_chain() -> Iterator[str]:
    number, mac = 0, ""
    for entry in iterate_in_chunks(AuditEntry.objects.exclude(number=None), key="number"):
        if entry.number != number + 1:
            yield f"{format_range(number + 1, (entry.number or 0) - 1)} of the audit log: missing"
        elif not constant_time_compare(entry.mac, compute_mac(entry, mac)):
            yield f"entry {entry.number} of the audit log (row {entry.pk}): changed, or not written by this portal"
        number, mac = entry.number or 0, entry.mac
    if mismatch := checkpoint.find_mismatch():
        yield mismatch
