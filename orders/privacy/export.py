"""All that we hold of a candidate, for himself (GDPR, articles 15 and 20; RELIABILITY.md, S13).

A zip: `candidate.json`, with every row about his orders, and the reports' files. A row has all its columns but the keys
of our own links; a test holds that to `personal.CANDIDATE` and `personal.ABOUT_ORDERS`.
"""

import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.utils import timezone

from integrations import audit
from integrations.encryption import Sealed, SealedField, Unreadable
from integrations.models import KeptAnswer, User
from integrations.outbox.models import Attempt, Delivery
from orders import files
from orders.models import Attachment, Order, OrderEvent, Resource, Result, Upload
from orders.privacy import erasure, erasure_log

OURS = ("link_token_hash", "link_token_sealed", "lease_expires_at", "result_callback_url")
"""Keys of links, whose content is in the export itself, and what only steers the work between machines."""
LEASES = "/orders/lease"
Row = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """What was exported. `pseudonym` stands for the candidate in the audit."""

    pseudonym: str
    orders: int
    files: int


def export(email: str, target: IO[bytes], **who: Any) -> Export:
    """Write the zip of the candidate with this e-mail address, in capitals or not, from all orders.

    Audited, with who did it: `by`, `address` and `reason`, as far as they are known.
    """
    return _export(erasure_log.pseudonym(email), erasure.orders_of(email), target, **who)


def export_order(order: Order, target: IO[bytes], **who: Any) -> Export:
    """Of an order's candidate, from all orders; from this one alone where it names no address."""
    if order.candidate_email.strip():
        return export(order.candidate_email, target, **who)
    return _export(erasure_log.pseudonym(order.pk), [order.pk], target, **who)


def _export(
    whose: str,
    ids: list[str],
    target: IO[bytes],
    *,
    by: User | None = None,
    address: str | None = None,
    reason: str = "",
) -> Export:
    orders = Order.objects.filter(pk__in=ids).select_related("connection__customer", "package").order_by("created_at")
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        said = {"exported_at": timezone.now(), "orders": [_order(order) for order in orders]}
        archive.writestr("candidate.json", json.dumps(said, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
        for attachment in Attachment.objects.filter(order__in=ids).exclude(file=""):
            count += write_file(archive, attachment)
    why = {"reason": reason} if reason else {}
    audit.record("candidate.exported", whose, by=by, address=address, orders=ids, files=count, **why)
    return Export(whose, len(ids), count)


def write_file(archive: zipfile.ZipFile, attachment: Attachment) -> int:
    """The report, or why it cannot be given; how many files that made."""
    try:
        archive.writestr(f"files/{attachment.pk}/{attachment.name}", files.read(attachment))
    except files.Damaged as error:
        archive.writestr(f"files/{attachment.pk}/damaged.txt", f"This file cannot be given: {error}.\n")
        return 0
    return 1


def as_json(order: Order) -> str:
    return json.dumps(_order(order), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _order(order: Order) -> Row:
    deliveries = Delivery.objects.filter(subject=order.pk).order_by("pk")
    return {
        "customer": order.connection.customer.name,
        "company": order.connection.company_id,
        "package_name": order.package.name,
        **_row(order),
        "results": _rows(Result.objects.filter(order=order)),
        "attachments": _rows(Attachment.objects.filter(order=order)),
        "resources": _rows(Resource.objects.filter(order=order)),
        "uploads": _rows(Upload.objects.filter(order=order)),
        "events": _rows(OrderEvent.objects.filter(order=order).order_by("pk")),
        "deliveries": _rows(deliveries),
        "attempts": _rows(Attempt.objects.filter(delivery__in=deliveries).order_by("pk")),
        "kept_answers": list(_kept_answers(order.pk)),
    }


def _rows(found: QuerySet[Any]) -> list[Row]:
    return [_row(each) for each in found]


def _row(row: Model) -> Row:
    """Every column; of a sealed one what it holds, under the name without `_sealed`."""
    columns = [each for each in row._meta.concrete_fields if each.name not in OURS]
    return {
        each.name.removesuffix("_sealed") if isinstance(each, SealedField) else each.name: _opened(row, each.name)
        if isinstance(each, SealedField)
        else each.value_from_object(row)
        for each in columns
    }


def _opened(row: Model, column: str) -> str:
    named = (name for name, each in vars(type(row)).items() if isinstance(each, Sealed) and each.column == column)
    try:
        return str(getattr(row, next(named)))
    except Unreadable as error:
        return f"unreadable: {error}"


def _kept_answers(order_id: str) -> Iterable[Row]:
    """Answers to an engine's calls about this order. Of one that hands out several orders, this order alone."""
    yield from _rows(KeptAnswer.objects.filter(path__contains=f"/orders/{order_id}"))
    for answer in KeptAnswer.objects.filter(path__endswith=LEASES).exclude(status=None):
        row = _row(answer)
        if order_id in row["body"]:
            handed_out = json.loads(row["body"]).get("orders", [])
            yield {**row, "body": [each for each in handed_out if each.get("id") == order_id]}
