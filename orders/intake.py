"""Intake of orders from SmartRecruiters, idempotent by SmartRecruiters' order id."""

import hashlib
import json
from dataclasses import dataclass, field, fields, replace

from django.db import IntegrityError, transaction
from rest_framework.exceptions import NotFound

from assessments.compiled_catalogue import CompiledPackage, load_catalogue
from integrations import mail, metrics
from integrations.api.errors import ConflictError
from integrations.encryption import hash_token
from integrations.http.path_segments import is_url_safe_id
from integrations.models import Connection, EventType
from integrations.outbox import deliveries
from integrations.outbox.models import Priority
from integrations.webhooks import events
from orders.models import Hop, Order, OrderEvent, Resource, ResourceKind, ResourceState, make_link_token
from orders.privacy import erasure_log

UNSAFE_ID_REASON = "SmartRecruiters sent an id that cannot be part of a URL."


@dataclass(frozen=True)
class OrderRequest:
    """A validated order. Only inline orders have a `completed_callback_url`."""

    smartrecruiters_order_id: str
    result_callback_url: str
    package_id: str
    company_id: str
    completed_callback_url: str = ""
    candidate_id: str = ""
    candidate_email: str = ""
    candidate_first_name: str = ""
    candidate_last_name: str = ""
    candidate_language: str = ""
    requester_user_id: str = ""
    requester_email: str = ""
    job_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, object] = field(default_factory=dict)

    def compute_digest(self) -> str:
        """Return the SHA-256 of the known content in a canonical form, without unknown keys."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "unknown"}
        return hashlib.sha256(json.dumps(known, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def place(*, connection: Connection, request: OrderRequest, is_inline: bool) -> tuple[Order, bool]:
    """Create the order and queue its deliveries in one transaction. Return it, and whether it is new.

    Idempotent, also for parallel requests. Raises ConflictError for the id of an order with other content or of another
    company, NotFound for a package that this customer may not order.
    """
    package = load_catalogue().find_orderable(request.package_id, connection.customer)
    if package is None:
        order = _find_order(request)
        if order is None:
            raise NotFound("No such assessment package.")
    else:
        try:
            return _create_order(_build_order(connection, request, is_inline), package), True
        except IntegrityError:  # a repeat; most orders are new, and cost no query to find that out
            order = _find_order(request)
            if order is None:
                raise
    if order.connection_id != connection.pk:
        raise ConflictError("An order of another company has this id.")
    if not _has_same_content(order, request):
        raise ConflictError("There already is an order with this id and other content, which remains valid.")
    return order, False


def _find_order(request: OrderRequest) -> Order | None:
    return Order.objects.filter(smartrecruiters_order_id=request.smartrecruiters_order_id).first()


def _has_same_content(order: Order, request: OrderRequest) -> bool:
    """Compare the digests. An erased order has a keyed digest only."""
    # Of the callback URL, only the order's id counts: a closing slash or a newer version of the API is the same order.
    digest = replace(request, result_callback_url=order.result_callback_url).compute_digest()
    return order.digest in (digest, erasure_log.make_pseudonym(digest))


def _build_order(connection: Connection, request: OrderRequest, is_inline: bool) -> Order:
    token = make_link_token()
    order = Order(
        connection=connection,
        digest=request.compute_digest(),
        is_inline=is_inline,
        link_token_hash=hash_token(token),
        **{f.name: getattr(request, f.name) for f in fields(request) if f.name != "company_id"},
    )
    order.link_token = token
    return order


def _create_order(order: Order, package: CompiledPackage) -> Order:
    """Insert the order and its rows, one statement per table, all built before the transaction begins."""
    event = OrderEvent(
        order=order,
        hop=Hop.IN,
        what=f"Ordered: {package.name}"[:200],
        by="SmartRecruiters",
        detail={"inline": order.is_inline},
    )
    resources = _build_resources(order)
    drafts = [
        deliveries.Draft(
            resource.kind,
            stream=order.connection.stream_name,
            key=f"{order.pk}:{resource.kind}",
            priority=Priority.FETCH,
            subject=order.pk,
        )
        for resource in resources
        if resource.state == ResourceState.AWAITED
    ]
    if package.invites_candidate and not order.is_inline:
        stream = mail.get_candidate_stream(order.connection.customer_id)
        drafts.append(deliveries.Draft("invitation", stream=stream, key=f"{order.pk}:invitation", subject=order.pk))
    outgoing = deliveries.build_all(drafts)
    with transaction.atomic():
        order.save(force_insert=True)
        event.save(force_insert=True)
        events.record_order_event(EventType.ORDER_CREATED, order.pk)
        Resource.objects.bulk_create(resources)
        deliveries.insert_all(outgoing)
        metrics.count_on_commit(metrics.ORDERS, kind="inline" if order.is_inline else "order")
    return order


def _build_resources(order: Order) -> list[Resource]:
    """Build the candidate, job and hiring team, to be fetched or with the reason why that is not possible."""
    ids = {
        ResourceKind.CANDIDATE: order.candidate_id,
        ResourceKind.JOB: order.job_id,
        ResourceKind.HIRING_TEAM: order.job_id,
    }
    reasons = {kind: _unavailable_reason(order, kind, identifier) for kind, identifier in ids.items()}
    return [
        Resource(order=order, kind=kind, reason=why, state=ResourceState.NONE if why else ResourceState.AWAITED)
        for kind, why in reasons.items()
    ]


def _unavailable_reason(order: Order, kind: ResourceKind, identifier: str) -> str:
    if identifier:
        return "" if is_url_safe_id(identifier) else UNSAFE_ID_REASON
    if kind != ResourceKind.CANDIDATE:
        return "The order has no job id."
    return "Inline orders have no candidate id." if order.is_inline else "The order has no candidate id."
