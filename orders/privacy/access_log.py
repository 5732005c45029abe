"""Access log of a candidate: who saw them, when and how. GDPR, article 33; S14 in tests/reliability/README.md.

It is part of the audit log. An entry names orders by their ids and holds nothing of a candidate, so that it can stay
after an erasure; `find_accesses` leads from an email address to the orders.

- Pages and downloads have an entry each time they are opened. A list has one entry with the ids of the orders that it
  showed, not one for each row.
- Two are recorded once in a while, because they repeat by themselves: previews of a result, which follow each
  keystroke, and downloads by a report's link, which programs fetch as well. `record_once` has the periods.
- Engines poll. `record_engine_read` adds one entry for all orders of a response that the engine was not given before on
  that day (UTC), and nothing if there are none: at most one statement, however many rows. It relies on the memory of
  its process, so there may be more than one entry a day, but never an entry without a read or a first read without an
  entry. What is stored anyway would not do: leases are overwritten, and an order can be read without one.

tests/orders/privacy/test_every_access.py holds that no route shows a candidate without an entry.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from integrations import audit
from integrations.models import AuditEntry
from integrations.rate_limits import is_first
from orders.privacy import erasure, erasure_log

# What each action of the audit log did, for people.
PHRASES = {
    "candidate.erased": "erased the candidate",
    "candidate.exported": "exported the candidate's data",
    "delivery.dismissed": "dismissed a delivery",
    "delivery.hurried": "sent a delivery at once",
    "delivery.replayed": "sent a delivery again",
    "delivery.settled": "marked a delivery as delivered",
    "delivery.viewed": "opened a delivery",
    "order.accepted": "accepted the order",
    "order.malware_refused": "sent a file that was refused",
    "order.previewed": "previewed a result",
    "order.report_link_opened": "opened a report by its link",
    "order.report_opened": "opened a report",
    "order.reported": "reported a result",
    "order.searched": "searched by the email address",
    "order.viewed": "opened the order's page",
    "orders.exported": "exported the customer's orders",
    "orders.listed": "listed orders",
    "orders.read": "was given the order's data by the API",
    "orders.searched": "searched in the list of orders",
}
NOT_RECORDED = (
    "Not recorded: what people read in SmartRecruiters, what engines do with the data that they have, reports that an "
    "engine hosts, emails to the candidate, and access to the server, the database and its backups. Recorded once in a "
    "while: an engine's reads (the first of a day), previews (ten minutes), and a report's link (a day for each "
    "network)."
)
# Their entries name several orders, in `detail["orders"]`.
LIST_ACTIONS = ("order.searched", "orders.exported", "orders.listed", "orders.read", "orders.searched")
PREVIEW_PERIOD_SECONDS = 10 * 60
LINK_PERIOD_SECONDS = 24 * 3600
MAX_ORDERS_PER_ENTRY = 200
MAX_REMEMBERED_READS = 50_000
IDS_PER_QUERY = 50

_remembered_reads: set[tuple[object, ...]] = set()


@dataclass(frozen=True)
class Access:
    """An audit entry, and those of the candidate's orders that it is about."""

    entry: AuditEntry
    orders: Sequence[str]

    @property
    def phrase(self) -> str:
        return PHRASES.get(self.entry.action, self.entry.action)

    @property
    def who(self) -> str:
        """The actor and where they were. Engines may have the same name, so theirs is followed by the client id."""
        client_id = f" ({self.entry.subject})" if self.entry.action == "orders.read" else ""
        return self.entry.actor_label + client_id + (f" from {self.entry.ip}" if self.entry.ip else "")


def record_orders(action: str, subject: object, order_ids: Iterable[str], *, actor: audit.Actor) -> None:
    """Record that somebody saw these orders together. `action` is one of LIST_ACTIONS."""
    for ids in _split(list(order_ids), MAX_ORDERS_PER_ENTRY):
        audit.record(action, subject, actor=actor, orders=ids)


@transaction.atomic
def record_once(action: str, order_id: str, *who: str, actor: audit.Actor, seconds: int, **detail: Any) -> None:
    """Record the first access of its kind by `who` within a period."""
    if is_first(action, order_id, *who, seconds=seconds):
        audit.record(action, order_id, actor=actor, **detail)


def record_engine_read(actor: audit.Actor, order_ids: Collection[str]) -> None:
    """Record that an engine was given the data of these orders, as far as this is the first time today."""
    assert actor.client is not None  # noqa: S101
    today, client = timezone.now().date(), actor.client
    reads = {order_id: (client.pk, today, order_id) for order_id in order_ids}
    new = [order_id for order_id, read in reads.items() if read not in _remembered_reads]
    if not new:
        return
    record_orders("orders.read", client.client_id, new, actor=actor)
    transaction.on_commit(partial(_remember_reads, [reads[order_id] for order_id in new]))


def _remember_reads(reads: Collection[tuple[object, ...]]) -> None:
    if len(_remembered_reads) + len(reads) > MAX_REMEMBERED_READS:
        _remembered_reads.clear()
    _remembered_reads.update(reads)


def find_accesses(email: str) -> list[Access]:
    """Return who saw or handled the candidate, oldest first. Works after an erasure, too."""
    pseudonyms = erasure_log.make_pseudonyms(email)
    erasures = _find_erasures(pseudonyms)
    ids = {*erasure.find_order_ids(email), *(order_id for each in erasures for order_id in each.detail["orders"])}
    direct = AuditEntry.objects.filter(Q(subject__in=pseudonyms) | Q(subject__in=ids))
    entries = {entry.pk: entry for entry in (*erasures, *direct, *_find_list_entries(ids))}
    accesses = (Access(entry, sorted(_list_order_ids(entry) & ids)) for entry in entries.values())
    return sorted(accesses, key=lambda access: (access.entry.at, access.entry.pk))


def _find_erasures(pseudonyms: Collection[str]) -> list[AuditEntry]:
    """Return the erasures of the candidate, and of their orders one by one."""
    erasures = AuditEntry.objects.filter(action="candidate.erased")
    return list(erasures.filter(Q(subject__in=pseudonyms) | Q(detail__candidate__in=pseudonyms)))


def _find_list_entries(ids: Collection[str]) -> Iterator[AuditEntry]:
    """Yield the entries that name one of these orders among others: no index has them, so they are searched."""
    lists: QuerySet[AuditEntry] = AuditEntry.objects.filter(action__in=LIST_ACTIONS)
    lists = lists.annotate(text=Cast("detail", TextField()))
    for some in _split(sorted(ids), IDS_PER_QUERY):
        named = Q()
        for order_id in some:
            named |= Q(text__contains=f'"{order_id}"')
        yield from lists.filter(named)


def _split(ids: list[str], size: int) -> Iterator[list[str]]:
    yield from (ids[start : start + size] for start in range(0, len(ids), size))


def _list_order_ids(entry: AuditEntry) -> set[str]:
    orders = entry.detail.get("orders")
    return {entry.subject, *(orders if isinstance(orders, list) else ())}
