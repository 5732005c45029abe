"""Taking orders in."""

import hashlib
import json
from dataclasses import dataclass, field, fields

from django.db import IntegrityError, transaction
from rest_framework.exceptions import NotFound

from assessments.models import Package
from assessments.visibility import orderable_packages
from integrations.api.errors import ConflictError
from integrations.http.path_segments import is_url_safe_id
from integrations.models import Connection, EventType
from integrations.outbox import deliveries
from integrations.outbox.models import Priority
from integrations.webhooks import events
from orders import links
from orders.models import Hop, Order, OrderEvent, Resource, ResourceKind, ResourceState, make_link_token
from orders.privacy import erasure_log

UNSAFE_ID_REASON = "SmartRecruiters sent an id that cannot stand in an address"


@dataclass(frozen=True)
class OrderRequest:
    """What SmartRecruiters ordered, checked. `completed_callback_url` only for inline orders."""

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
        """SHA-256 of what we know, in one canonical form: neither spelling nor unknown keys make another order."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "unknown"}
        return hashlib.sha256(json.dumps(known, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def place(*, connection: Connection, request: OrderRequest, is_inline: bool) -> tuple[Order, bool]:
    """Keep the order and decide all that follows from it, in one transaction; and whether it is new.

    The same order again is the same row, however many ask at once: nothing happens twice. Raises ConflictError for the
    same id with other content or of another company, NotFound for a package that this customer may not order.
    """
    found = _find_order(request)
    if found is None:
        package = orderable_packages(connection.customer).filter(pk=request.package_id).first()
        if package is None:
            raise NotFound("No such assessment package.")
        try:
            with transaction.atomic():
                return _create_order(connection, package, request, is_inline), True
        except IntegrityError:
            found = _find_order(request)
            if found is None:
                raise
    if found.connection_id != connection.pk:
        raise ConflictError("Another company's order has this id.")
    if not _has_same_content(found, request):
        raise ConflictError("An order with this id came before, with other content; that one stands.")
    return found, False


def _find_order(request: OrderRequest) -> Order | None:
    return Order.objects.filter(smartrecruiters_order_id=request.smartrecruiters_order_id).first()


def _has_same_content(order: Order, request: OrderRequest) -> bool:
    """Of an erased order a keyed digest is kept."""
    digest = request.compute_digest()
    return order.digest in (digest, erasure_log.make_pseudonym(digest))


def _create_order(connection: Connection, package: Package, request: OrderRequest, is_inline: bool) -> Order:
    token = make_link_token()
    order = Order(
        connection=connection,
        package=package,
        digest=request.compute_digest(),
        is_inline=is_inline,
        link_token_hash=links.hash_token(token),
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
        deliveries.enqueue(
            "invitation",
            stream="email",
            key=f"{order.pk}:invitation",
            subject=order.pk,
            payload={},
        )
    return order


def _enqueue_fetches(order: Order) -> None:
    """Ask for candidate, job and hiring team, once; where that cannot be asked, say why."""
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
        return "" if is_url_safe_id(identifier) else f"not fetchable: {UNSAFE_ID_REASON}"
    if kind != ResourceKind.CANDIDATE:
        return "The order names no job."
    return "An inline order names no candidate id." if order.is_inline else "The order names no candidate id."
