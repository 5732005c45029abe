"""Sequence numbers for rows, assigned after commit: a row that is committed late gets no lower number than others."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from integrations.outbox import leases

LEASE_SECONDS = 10
BATCH_SIZE = 500


def number_rows(model: Any, stream: str, save: Callable[[list[Any], Any], None]) -> int:
    """Assign numbers to the rows without one, in the order of their keys, and return how many there were.

    The lease of `stream` lets one process at a time do so; returns 0 in another one. `save` stores the numbered rows
    and is also given the last row before them, or None.
    """
    if not model.objects.filter(number=None).exists():
        return 0

    @transaction.atomic
    def assign(lease: leases.Lease) -> int:
        lease.update_stream(woken_at=None)  # locks the row until commit, against a holder whose lease has expired
        last = model.objects.exclude(number=None).order_by("-number").first()
        rows = list(model.objects.filter(number=None).order_by("pk")[:BATCH_SIZE])
        for number, row in enumerate(rows, start=1 + (last.number if last else 0)):
            row.number = number
        if rows:
            save(rows, last)
        return len(rows)

    return leases.run_exclusively(stream, LEASE_SECONDS, assign)
