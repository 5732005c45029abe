"""The audit's chain (RELIABILITY.md, S8): every entry has a number and a mac over itself and the mac before.

An entry that was changed, taken out or put in shows, since the MACs are keyed by SECRET_KEY: who can write in the
database alone cannot make new ones. What cannot show is that the newest entries were cut off, so each head is logged,
and the newest one noted outside the database (audit_head).
"""

import json
from collections.abc import Iterator
from functools import partial

import structlog
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from integrations.audit import checkpoint
from integrations.models import AuditEntry
from integrations.outbox import leases

log = structlog.get_logger(__name__)
CHAIN_STREAM = "audit"
LEASE_SECONDS = 10
BATCH_SIZE = 500


def compute_mac(entry: AuditEntry, previous_mac: str) -> str:
    """Of the entry as the database gives it. Not of `actor`: it is emptied when the user is deleted, the name stays."""
    said = [
        previous_mac,
        entry.number,
        entry.at.isoformat(),
        entry.actor_name,
        entry.action,
        entry.subject,
        entry.detail,
        entry.ip,
    ]
    return salted_hmac("integrations.audit", json.dumps(said, sort_keys=True), algorithm="sha256").hexdigest()


def append_pending() -> int:
    """Chain what was committed since, by one holder at a time. Returns how many entries that were."""
    if not AuditEntry.objects.filter(number=None).exists():
        return 0
    return leases.run_exclusively(CHAIN_STREAM, LEASE_SECONDS, _append_batch)


@transaction.atomic
def _append_batch(lease: leases.Lease) -> int:
    lease.update_stream(
        woken_at=None
    )  # the row is locked until commit: a holder whose lease ran out cannot chain beside us
    last = AuditEntry.objects.exclude(number=None).order_by("-number").first()
    number, mac = (last.number or 0, last.mac) if last else (0, "")
    fresh = list(AuditEntry.objects.filter(number=None).order_by("pk")[:BATCH_SIZE])
    for entry in fresh:
        number += 1
        entry.number = number
        entry.mac = mac = compute_mac(entry, mac)
        entry.save(update_fields=["number", "mac"])
    if fresh:
        log.info("audit chained", number=number, mac=mac)
        transaction.on_commit(partial(checkpoint.write_checkpoint, number, mac))
    return len(fresh)


def verify_chain() -> Iterator[str]:
    """What is wrong with the chain, entry by entry; nothing, when it is whole."""
    number, mac = 0, ""
    for entry in AuditEntry.objects.exclude(number=None).order_by("number").iterator():
        found = entry.number or 0
        if found != number + 1:
            gone = f"entry {number + 1}" if found == number + 2 else f"entries {number + 1} to {found - 1}"
            yield f"{gone} of the audit: missing"
        elif not constant_time_compare(entry.mac, compute_mac(entry, mac)):
            yield f"entry {found} of the audit (row {entry.pk}): changed after it was written, or not by this portal"
        number, mac = found, entry.mac
    if cut_off := checkpoint.find_mismatch():
        yield cut_off
