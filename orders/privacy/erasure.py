"""Erasing a candidate (GDPR, article 17; RELIABILITY.md, S11 and S17).

Gone is what `personal.CANDIDATE_FIELDS` lists, reports' files, what was sent and answered, and corrections' reasons.
The order's row, its ids, its status and what happened when stay, so that a recruiter's question finds an answer.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, models, transaction

from integrations import audit
from integrations.encryption import DecryptionError
from integrations.models import IdempotencyRecord
from integrations.outbox import clock
from integrations.outbox import erasure as outbox
from orders import files
from orders.models import Attachment, Hop, Order, OrderEvent, Resource, ResourceState, Result, Upload
from orders.privacy import erasure_log
from orders.privacy.personal_data import CANDIDATE_FIELDS

log = structlog.get_logger(__name__)
CANCEL_REASON = "the candidate was erased"
ERASED_EVENT = "Candidate erased"
"""How an order's timeline says it."""
NON_PERSONAL_KINDS = ("webhook",)
"""Kinds of deliveries with nothing of the candidate in them: an engine may go on hearing of the order's id."""


class DeliveryInFlightError(Exception):
    """A call about the candidate is being made this moment; nothing was erased. Ask again within a minute."""

    def __init__(self) -> None:
        super().__init__(
            "A call about this candidate is on its way: what is unsent was cancelled, and nothing is erased yet. "
            "Try again in a minute."
        )


@dataclass(frozen=True)
class Erasure:
    """What was erased. `pseudonym` stands for the candidate in the audit and in the erasure log."""

    pseudonym: str
    orders: int = 0
    deliveries: int = 0
    files: int = 0


def erase(email: str, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0) -> Erasure:
    """Erase the candidate with this e-mail address, in capitals or not, from all orders placed so far.

    First noted in the erasure log, then made in one transaction. Waits `wait_seconds` for calls that are on their
    way, then raises DeliveryInFlightError.
    """
    whose = erasure_log.make_pseudonym(email)
    erasure_log.append_entry(whose)
    return _cancel_and_erase(whose, find_order_ids(email), actor, wait_seconds)


def erase_candidate_of(order: Order, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0) -> Erasure:
    """Erase an order's candidate from all orders; from this one alone where it names no address."""
    if order.candidate_email.strip():
        return erase(order.candidate_email, actor=actor, wait_seconds=wait_seconds)
    return erase_single_order(order.pk, actor=actor, wait_seconds=wait_seconds)


def erase_single_order(
    order_id: str, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0, reason: str = ""
) -> Erasure:
    """Erase the candidate from this order, and from no other that is for the same address."""
    whose = erasure_log.make_pseudonym(order_id)
    erasure_log.append_entry(whose)
    return _cancel_and_erase(whose, [order_id], actor, wait_seconds, reason)


def replay_log(*, wait_seconds: float = 0) -> list[Erasure]:
    """Erase again whom a restored backup brought back. Who ordered again after his erasure keeps the newer orders."""
    logged = erasure_log.load_last_erasures()
    found: dict[str, list[str]] = {}
    for order_id, email, at in _unerased_orders().values_list("pk", "candidate_email", "created_at").iterator():
        for whose in (erasure_log.make_pseudonym(email), erasure_log.make_pseudonym(order_id)):
            if whose in logged and at <= logged[whose]:
                found.setdefault(whose, []).append(order_id)
    return [_cancel_and_erase(whose, ids, audit.SYSTEM, wait_seconds) for whose, ids in found.items()]


def _unerased_orders() -> models.QuerySet[Order]:
    return Order.objects.filter(erased_at=None)


def find_order_ids(email: str) -> list[str]:
    """Compared here, since SQLite knows no other letters than ASCII's without case."""
    sought = email.strip().casefold()
    rows = _unerased_orders().exclude(candidate_email="").values_list("pk", "candidate_email")
    return [order_id for order_id, kept in rows.iterator() if kept.strip().casefold() == sought]


def _cancel_and_erase(
    pseudonym: str, ids: list[str], actor: audit.Actor, wait_seconds: float, reason: str = ""
) -> Erasure:
    if not ids:
        return Erasure(pseudonym)
    ends = time.monotonic() + wait_seconds
    while outbox.cancel_by_subject(ids, CANCEL_REASON, except_kinds=NON_PERSONAL_KINDS):
        if time.monotonic() > ends:
            raise DeliveryInFlightError
        time.sleep(0.5)
    done = _erase_rows(pseudonym, ids, actor, reason)
    truncate_wal()
    return done


@transaction.atomic
def _erase_rows(pseudonym: str, ids: list[str], actor: audit.Actor, reason: str) -> Erasure:
    # Locked first: nobody reports, accepts or adds a file from here on, and whoever waits for it finds it erased.
    list(Order.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    if outbox.cancel_by_subject(ids, CANCEL_REASON, except_kinds=NON_PERSONAL_KINDS):
        raise DeliveryInFlightError
    deliveries = outbox.erase_content(ids, except_kinds=NON_PERSONAL_KINDS)
    _redact_orders(ids)
    Resource.objects.filter(order__in=ids).update(state=ResourceState.NONE, content={}, reason="")
    Result.objects.filter(order__in=ids).delete()
    _redact_corrections(ids)
    _delete_idempotency_records(ids)
    keys = list(Attachment.objects.filter(order__in=ids).exclude(file="").values_list("file", flat=True))
    Attachment.objects.filter(order__in=ids).delete()
    Upload.objects.filter(order__in=ids).delete()
    OrderEvent.objects.bulk_create(
        OrderEvent(order_id=each, hop=Hop.IN, what=ERASED_EVENT, by=actor.name) for each in ids
    )
    said: dict[str, Any] = {"orders": ids, "files": len(keys)} | ({"why": reason} if reason else {})
    audit.record("candidate.erased", pseudonym, actor=actor, **said)
    # Within the transaction: should it fail after all, the erasure is made again, and a file that is gone is meant so.
    for key in keys:
        files.remove(key)
    return Erasure(pseudonym, len(ids), deliveries, len(keys))


def _redact_orders(ids: Collection[str]) -> None:
    blanks: dict[str, Any] = {
        name: {} if isinstance(Order._meta.get_field(name), models.JSONField) else ""
        for name in CANDIDATE_FIELDS["orders.order"]
    }
    now = clock.now()
    for order in Order.objects.filter(pk__in=ids).only("digest"):
        # Keyed, so that the same order coming again is known, and nobody can try addresses against it.
        digest = erasure_log.make_pseudonym(order.digest)
        Order.objects.filter(pk=order.pk).update(**blanks, digest=digest, erased_at=now, updated_at=now)


def _redact_corrections(ids: Collection[str]) -> None:
    """The reason of a correction is free text."""
    for event in OrderEvent.objects.filter(order__in=ids):
        if event.detail.pop("correction", None) is not None:
            event.save(update_fields=["detail"])


def _delete_idempotency_records(ids: Collection[str]) -> None:
    """The answers to calls of the orders' own addresses, and to leases that handed one of them out, or still may."""
    for order_id in ids:
        IdempotencyRecord.objects.filter(path__contains=f"/orders/{order_id}").delete()
    for answer in IdempotencyRecord.objects.filter(path__endswith="/orders/lease").iterator():
        if answer.status is None or _mentions_any_order(answer, ids):
            answer.delete()


def _mentions_any_order(record: IdempotencyRecord, ids: Collection[str]) -> bool:
    try:
        body = record.body
    except DecryptionError:
        return True  # nobody can be given it any more
    return any(order_id in body for order_id in ids)


def truncate_wal() -> bool:
    """SQLite's journal still holds the pages as they were. False where somebody was reading them all the while."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        log.warning("the database's journal could not be emptied after an erasure; the next hour tries again")
    return not is_busy
