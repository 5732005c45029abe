"""Export of all data about a candidate: GDPR, articles 15 and 20; S13 in tests/reliability/README.md.

A ZIP file with the report files and `candidate.json`, which has all rows about the candidate's orders. A row has all
columns except EXCLUDED_COLUMNS.
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
from integrations.encryption import DecryptionError, Sealed, SealedField
from integrations.models import IdempotencyRecord, RefusedCall
from integrations.outbox.models import Attempt, Delivery
from integrations.text import fold_email
from orders import files
from orders.models import Attachment, Order, OrderEvent, Resource, Result, Upload
from orders.privacy import erasure, erasure_log

# Tokens of links, whose content is in the export, and technical columns.
EXCLUDED_COLUMNS = ("link_token_hash", "link_token_sealed", "lease_expires_at", "result_callback_url")
Row = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """Counts of an export. `pseudonym` identifies the candidate in the audit log."""

    pseudonym: str
    orders: int
    files: int


def export(email: str, target: IO[bytes], **audit_fields: Any) -> Export:
    """Write the ZIP file about the candidate with this email address, regardless of case, from all orders.

    Audited, with `actor` and `reason`, as far as they are known.
    """
    return _write_archive(erasure_log.make_pseudonym(email), erasure.find_order_ids(email), target, **audit_fields)


def export_candidate_of(order: Order, target: IO[bytes], **audit_fields: Any) -> Export:
    """Export an order's candidate from all orders, or from this one if it has no email address."""
    if fold_email(order.candidate_email):
        return export(order.candidate_email, target, **audit_fields)
    return _write_archive(erasure_log.make_pseudonym(order.pk), [order.pk], target, **audit_fields)


def _write_archive(
    pseudonym: str, ids: list[str], target: IO[bytes], *, actor: audit.Actor = audit.SYSTEM, reason: str = ""
) -> Export:
    orders = Order.objects.filter(pk__in=ids).select_related("connection__customer", "package").order_by("created_at")
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        content = {"exported_at": timezone.now(), "orders": [_collect_order(order) for order in orders]}
        archive.writestr("candidate.json", json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
        for attachment in Attachment.objects.filter(order__in=ids).exclude(file=""):
            count += write_file(archive, attachment)
    why = {"reason": reason} if reason else {}
    audit.record("candidate.exported", pseudonym, actor=actor, orders=ids, files=count, **why)
    return Export(pseudonym, len(ids), count)


def write_file(archive: zipfile.ZipFile, attachment: Attachment) -> int:
    """Write the report, or a note if it is damaged. Return the number of reports written."""
    try:
        archive.writestr(f"files/{attachment.pk}/{attachment.name}", files.read(attachment))
    except files.DamagedFileError as error:
        archive.writestr(f"files/{attachment.pk}/damaged.txt", f"This file is not available: {error}.\n")
        return 0
    return 1


def dump_order(order: Order) -> str:
    return json.dumps(_collect_order(order), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def _collect_order(order: Order) -> Row:
    deliveries = Delivery.objects.filter(subject=order.pk).order_by("pk")
    return {
        "customer": order.connection.customer.name,
        "company": order.connection.company_id,
        "package_name": order.package.name,
        **_export_row(order),
        "results": export_rows(Result.objects.filter(order=order)),
        "attachments": export_rows(Attachment.objects.filter(order=order)),
        "resources": export_rows(Resource.objects.filter(order=order)),
        "uploads": export_rows(Upload.objects.filter(order=order)),
        "events": export_rows(OrderEvent.objects.filter(order=order).order_by("pk")),
        "deliveries": export_rows(deliveries),
        "attempts": export_rows(Attempt.objects.filter(delivery__in=deliveries).order_by("pk")),
        "refused_calls": export_rows(_find_refused_calls(order)),
        "kept_answers": list(_export_idempotency_records(order.pk)),
    }


def _find_refused_calls(order: Order) -> QuerySet[RefusedCall]:
    """Return the calls for this order that were refused before or after it was placed."""
    calls = RefusedCall.objects.filter(company_id=order.connection.company_id)
    return calls.filter(order_id=order.smartrecruiters_order_id)


def export_rows(queryset: QuerySet[Any]) -> list[Row]:
    return [_export_row(each) for each in queryset]


def _export_row(row: Model) -> Row:
    """Return the columns of a row. Encrypted ones are decrypted, under the name without `_sealed`."""
    exported: Row = {}
    for field in row._meta.concrete_fields:
        if isinstance(field, SealedField) and field.name not in EXCLUDED_COLUMNS:
            exported[field.name.removesuffix("_sealed")] = _decrypt_column(row, field.name)
        elif field.name not in EXCLUDED_COLUMNS:
            exported[field.name] = field.value_from_object(row)
    return exported


def _decrypt_column(row: Model, column: str) -> str:
    named = (name for name, each in vars(type(row)).items() if isinstance(each, Sealed) and each.column == column)
    try:
        return str(getattr(row, next(named)))
    except DecryptionError as error:
        return f"unreadable: {error}"


def _export_idempotency_records(order_id: str) -> Iterable[Row]:
    """Yield the stored responses to an engine about this order. Other orders of a lease are left out."""
    yield from export_rows(IdempotencyRecord.objects.filter(path__contains=f"/orders/{order_id}"))
    for record in IdempotencyRecord.objects.filter(path__endswith=erasure.LEASE_PATH).exclude(status=None):
        row = _export_row(record)
        if order_id in row["body"]:
            leased = json.loads(row["body"]).get("orders", [])
            yield {**row, "body": [each for each in leased if each.get("id") == order_id]}
