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
from integrations.models import AuditEntry
from integrations.outbox import leases

log = structlog.get_logger(__name__)
CHAIN_STREAM = "audit"
LEASE_SECONDS = 10
BATCH_SIZE = 500


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
    if not AuditEntry.objects.filter(number=None).exists():
        return 0
    return leases.run_exclusively(CHAIN_STREAM, LEASE_SECONDS, _append_batch)


@transaction.atomic
def _append_batch(lease: leases.Lease) -> int:
    # Locks the stream's row until commit, so that the holder of an expired lease cannot append at the same time.
    lease.update_stream(woken_at=None)
    last = AuditEntry.objects.exclude(number=None).order_by("-number").first()
    number, mac = (last.number or 0, last.mac) if last else (0, "")
    pending = list(AuditEntry.objects.filter(number=None).order_by("pk")[:BATCH_SIZE])
    for entry in pending:
        number += 1
        entry.number = number
        entry.mac = mac = compute_mac(entry, mac)
        entry.save(update_fields=["number", "mac"])
    if pending:
        log.info("audit chained", number=number, mac=mac)
        transaction.on_commit(partial(checkpoint.write_checkpoint, number, mac))
    return len(pending)


def verify_chain() -> Iterator[str]:
    """Yield a message for each defect of the chain."""
    number, mac = 0, ""
    for entry in AuditEntry.objects.exclude(number=None).order_by("number").iterator():
        if entry.number != number + 1:
            yield f"{format_range(number + 1, (entry.number or 0) - 1)} of the audit log: missing"
        elif not constant_time_compare(entry.mac, compute_mac(entry, mac)):
            yield f"entry {entry.number} of the audit log (row {entry.pk}): changed, or not written by this portal"
        number, mac = entry.number or 0, entry.mac
    if mismatch := checkpoint.find_mismatch():
        yield mismatch
