"""Intake of orders from SmartRecruiters, idempotent by SmartRecruiters' order id."""

import hashlib
import json
from dataclasses import dataclass, field, fields, replace

from django.db import IntegrityError, transaction
from rest_framework.exceptions import NotFound

from assessments.models import Package
from assessments.visibility import orderable_packages
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
    order = _find_order(request)
    if order is None:
        package = orderable_packages(connection.customer).filter(pk=request.package_id).first()
        if package is None:
            raise NotFound("No such assessment package.")
        try:
            with transaction.atomic():
                return _create_order(connection, package, request, is_inline), True
        except IntegrityError:  # a parallel request was first
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


def _create_order(connection: Connection, package: Package, request: OrderRequest, is_inline: bool) -> Order:
    token = make_link_token()
    order = Order(
        connection=connection,
        package=package,
        digest=request.compute_digest(),
        is_inline=is_inline,
        link_token_hash=hash_token(token),
        **{f.name: getattr(request, f.name) for f in fields(request) if f.name not in ("package_id", "company_id")},
    )
    order.link_token = token
    order.save(force_insert=True)
    OrderEvent.objects.create(
        order=order,
        hop=Hop.IN,
        what=f"Ordered: {package.name}"[:200],
        by="SmartRecruiters",
        detail={"inline": is_inline},
    )
    events.record_order_event(EventType.ORDER_CREATED, order.pk)
    _enqueue_fetches(order)
    if package.invite_candidate and not is_inline:
        deliveries.enqueue("invitation", stream="email", key=f"{order.pk}:invitation", subject=order.pk, payload={})
    return order


def _enqueue_fetches(order: Order) -> None:
    """Queue the fetches of candidate, job and hiring team, or store the reason why one is not possible."""
    ids = {
        ResourceKind.CANDIDATE: order.candidate_id,
        ResourceKind.JOB: order.job_id,
        ResourceKind.HIRING_TEAM: order.job_id,
    }
    reasons = {kind: _unavailable_reason(order, kind, identifier) for kind, identifier in ids.items()}
    Resource.objects.bulk_create(
        Resource(order=order, kind=kind, reason=why, state=ResourceState.NONE if why else ResourceState.AWAITED)
        for kind, why in reasons.items()
    )
    for kind, why in reasons.items():
        if not why:
            deliveries.enqueue(
                kind.value,
                stream=order.connection.stream_name,
                key=f"{order.pk}:{kind.value}",
                priority=Priority.FETCH,
                subject=order.pk,
                payload={},
            )


def _unavailable_reason(order: Order, kind: ResourceKind, identifier: str) -> str:
    if identifier:
        return "" if is_url_safe_id(identifier) else UNSAFE_ID_REASON
    if kind != ResourceKind.CANDIDATE:
        return "The order has no job id."
    return "Inline orders have no candidate id." if order.is_inline else "The order has no candidate id."
