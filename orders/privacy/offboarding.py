"""Offboarding of a customer: access ends, its data is returned, then erased.

GDPR, article 28(3)(g); S15 in tests/reliability/README.md.
"""

import json
import zipfile
from dataclasses import dataclass
from typing import IO

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations import audit
from integrations.connections import lifecycle
from integrations.connections.claims import decisions
from integrations.database.chunks import iterate_in_chunks
from integrations.models import Connection, ConnectionState, Customer, RefusedCall
from orders.models import Attachment, Order
from orders.privacy import access_log, erasure, export

OFFBOARDING_REASON = "The customer left."


@dataclass(frozen=True)
class Certificate:
    """Certificate for the customer, to go with the data."""

    customer: str
    name: str
    at: str
    connections: int
    orders: int
    files: int
    candidates_left: int  # orders not erased, because a call was on its way: repeat the offboarding


def deactivate_customer(customer: Customer) -> int:
    """End the access of the customer's people and its connections, and free its companies. Return how many ended."""
    with transaction.atomic():
        Customer.objects.filter(pk=customer.pk).update(is_active=False)
        connections = list(customer.connections.exclude(state=ConnectionState.DISABLED))
        for connection in connections:
            lifecycle.disable_connection(connection, reason=OFFBOARDING_REASON)
        decisions.end_claims(customer)
    return len(connections)


def offboard(customer: Customer, target: IO[bytes], *, wait_seconds: float = 0) -> Certificate:
    """End the customer's access, write its data to a ZIP file, then erase all candidates of its orders. Audited.

    Repeatable; erased orders are not in the ZIP file any more.
    """
    ended = deactivate_customer(customer)
    ids = list(Order.objects.filter(connection__customer=customer, erased_at=None).values_list("pk", flat=True))
    # A company that another customer has meanwhile is not this one's any more, nor are the calls of it.
    others = Connection.objects.filter(released_at=None).exclude(customer=customer).values("company_id")
    companies = customer.connections.exclude(company_id__in=others).values("company_id")
    refused_calls = RefusedCall.objects.filter(company_id__in=companies)
    files = _write_archive(ids, refused_calls, target)
    access_log.record_orders("orders.exported", customer.pk, ids, actor=audit.SYSTEM)
    refused_calls.delete()
    for order_id in ids:
        try:
            erasure.erase_single_order(order_id, wait_seconds=wait_seconds, reason=OFFBOARDING_REASON)
        except erasure.DeliveryInFlightError:
            continue
    left = Order.objects.filter(pk__in=ids, erased_at=None).count()
    audit.record("customer.offboarded", customer.pk, connections=ended, orders=len(ids), files=files, left=left)
    now = timezone.now().isoformat(timespec="seconds")
    return Certificate(customer.pk, customer.name, now, ended, len(ids), files, left)


def _write_archive(ids: list[str], refused_calls: QuerySet[RefusedCall], target: IO[bytes]) -> int:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        if rows := export.export_rows(refused_calls):
            archive.writestr("refused_calls.json", json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False))
        orders = Order.objects.filter(pk__in=ids).select_related("connection__customer", "package")
        for order in iterate_in_chunks(orders):
            archive.writestr(f"orders/{order.pk}.json", export.dump_order(order))
        attachments = Attachment.objects.filter(order__in=ids).exclude(file="")
        return sum(export.write_file(archive, each) for each in iterate_in_chunks(attachments))
