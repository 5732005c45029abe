"""Erasure of a candidate: GDPR, article 17; S11 and S17 in tests/reliability/README.md.

Removes the models' CANDIDATE_FIELDS, report files, requests and responses, and the reasons of corrections. The order's
row stays with its ids, its status and its timeline, to answer a recruiter's questions.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, models, transaction

from integrations import audit
from integrations.database.chunks import iterate_in_chunks
from integrations.encryption import DecryptionError
from integrations.models import IdempotencyRecord
from integrations.outbox import clock
from integrations.outbox import erasure as outbox
from integrations.text import fold_email
from orders import files
from orders.models import Attachment, Hop, Order, OrderEvent, Resource, ResourceState, Result, Upload
from orders.privacy import erasure_log

log = structlog.get_logger(__name__)
CANCEL_REASON = "the candidate was erased"
ERASED_EVENT = "Candidate erased"
# Deliveries without personal data; an erasure does not cancel them.
NON_PERSONAL_KINDS = ("webhook",)
LEASE_PATH = "/orders/lease"


class DeliveryInFlightError(Exception):
    """A call about the candidate is on its way, so the erasure was not started. Can be repeated within a minute."""

    def __init__(self) -> None:
        super().__init__(
            "A call about this candidate is on its way. Unsent deliveries were cancelled, but nothing is erased yet. "
            "Try again in a minute."
        )


@dataclass(frozen=True)
class Erasure:
    """Counts of an erasure. `pseudonym` identifies the candidate in the audit log and in the erasure log."""

    pseudonym: str
    orders: int = 0
    deliveries: int = 0
    files: int = 0


def erase(email: str, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0) -> Erasure:
    """Erase the candidate with this email address, regardless of case, from all orders placed so far.

    Written to the erasure log first, then done in one transaction. Waits `wait_seconds` for calls that are on their
    way, then raises DeliveryInFlightError.
    """
    pseudonym = erasure_log.make_pseudonym(email)
    erasure_log.append_entry(pseudonym)
    return _cancel_and_erase(pseudonym, find_order_ids(email), actor, wait_seconds)


def erase_candidate_of(order: Order, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0) -> Erasure:
    """Erase an order's candidate from all orders, or from this one if it has no email address."""
    if fold_email(order.candidate_email):
        return erase(order.candidate_email, actor=actor, wait_seconds=wait_seconds)
    return erase_single_order(order.pk, actor=actor, wait_seconds=wait_seconds)


def erase_single_order(
    order_id: str, *, actor: audit.Actor = audit.SYSTEM, wait_seconds: float = 0, reason: str = ""
) -> Erasure:
    """Erase the candidate from this order only."""
    pseudonym = erasure_log.make_pseudonym(order_id)
    erasure_log.append_entry(pseudonym)
    return _cancel_and_erase(pseudonym, [order_id], actor, wait_seconds, reason)


def replay_log(*, wait_seconds: float = 0) -> list[Erasure]:
    """Repeat the logged erasures, after a restore. Orders placed after a candidate's last erasure stay."""
    logged = erasure_log.load_last_erasures()
    due: dict[str, list[str]] = {}
    for order in iterate_in_chunks(_unerased_orders().only("candidate_email", "created_at")):
        for pseudonym in {*erasure_log.make_pseudonyms(order.candidate_email), erasure_log.make_pseudonym(order.pk)}:
            if pseudonym in logged and order.created_at <= logged[pseudonym]:
                due.setdefault(pseudonym, []).append(order.pk)
    return [_cancel_and_erase(pseudonym, ids, audit.SYSTEM, wait_seconds) for pseudonym, ids in due.items()]


def _unerased_orders() -> models.QuerySet[Order]:
    return Order.objects.filter(erased_at=None)


def find_order_ids(email: str) -> list[str]:
    """Return the ids of the orders with this email address, in any spelling that counts as the same."""
    sought = fold_email(email)
    orders = iterate_in_chunks(_unerased_orders().exclude(candidate_email="").only("candidate_email"))
    return [order.pk for order in orders if sought and fold_email(order.candidate_email) == sought]


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
    # Locked first: a report, acceptance, upload or second erasure that waits for the lock finds the order erased.
    orders = list(_unerased_orders().select_for_update().filter(pk__in=ids).order_by("pk"))
    ids = [order.pk for order in orders]
    if not ids:
        return Erasure(pseudonym)
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
    detail: dict[str, Any] = {"orders": ids, "files": len(keys)} | ({"why": reason} if reason else {})
    audit.record("candidate.erased", pseudonym, actor=actor, **detail, **_identify_candidate(orders, pseudonym))
    # Within the transaction: if it fails, the erasure is repeated, and a missing file does no harm.
    for key in keys:
        files.remove(key)
    return Erasure(pseudonym, len(ids), deliveries, len(keys))


def _identify_candidate(orders: Collection[Order], pseudonym: str) -> dict[str, str]:
    """Return the pseudonym of the candidate's email address, where the erasure has another one: of the order.

    Without it, nobody could tell later who saw this candidate (access_log.py).
    """
    found = {erasure_log.make_pseudonym(each.candidate_email) for each in orders if fold_email(each.candidate_email)}
    return {"candidate": min(found)} if found and found != {pseudonym} else {}


def _redact_orders(ids: Collection[str]) -> None:
    blanks: dict[str, Any] = {
        name: {} if isinstance(Order._meta.get_field(name), models.JSONField) else "" for name in Order.CANDIDATE_FIELDS
    }
    now = clock.now()
    for order in Order.objects.filter(pk__in=ids).only("digest"):
        # Keyed: recognises a repeat of the order, but email addresses cannot be tried against it.
        digest = erasure_log.make_pseudonym(order.digest)
        Order.objects.filter(pk=order.pk).update(**blanks, digest=digest, erased_at=now, updated_at=now)


def _redact_corrections(ids: Collection[str]) -> None:
    """Remove the reasons of corrections, which are free text."""
    for event in OrderEvent.objects.filter(order__in=ids):
        if event.detail.pop("correction", None) is not None:
            event.save(update_fields=["detail"])


def _delete_idempotency_records(ids: Collection[str]) -> None:
    """Delete stored responses of the orders' endpoints, and of leases that contain or may still contain one of them."""
    for order_id in ids:
        IdempotencyRecord.objects.filter(path__contains=f"/orders/{order_id}").delete()
    for record in iterate_in_chunks(IdempotencyRecord.objects.filter(path__endswith=LEASE_PATH)):
        if record.status is None or _mentions_any_order(record, ids):
            record.delete()


def _mentions_any_order(record: IdempotencyRecord, ids: Collection[str]) -> bool:
    try:
        body = record.body
    except DecryptionError:
        return True  # useless anyway
    return any(order_id in body for order_id in ids)


def truncate_wal() -> bool:
    """Truncate SQLite's WAL, which still has the erased pages. Return False if a reader prevented it."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return True
    with connection.cursor() as cursor:
        is_busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        log.warning("WAL not truncated after an erasure: the hourly job will try again")
    return not is_busy
