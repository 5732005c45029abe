"""Decisions on claims, by staff, by the customer, or by the clock. The only code that changes a claim's state."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from integrations import audit, incidents
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.connections.claims import emails, ownership
from integrations.connections.claims.emails import Outcome
from integrations.connections.lifecycle import CompanyTakenError
from integrations.models import ClaimState, CompanyClaim, Connection, Customer, IncidentKind

TRANSITIONS: dict[str, frozenset[str]] = {
    ClaimState.WAITING: frozenset({ClaimState.ASSIGNED, ClaimState.DENIED}),
    ClaimState.DENIED: frozenset({ClaimState.ASSIGNED}),
    ClaimState.ASSIGNED: frozenset(),  # taking it back deletes the claim
}
WAITS_FOR = timedelta(days=14)


class MoveError(Exception):
    """The company cannot be moved: the customer has it, or the connection was given up meanwhile."""


def transition_to(claim: CompanyClaim, to: ClaimState, actor: Actor) -> bool:
    """Compare-and-set the state along TRANSITIONS. Return False, without changes, if the transition is not allowed."""
    allowed_from = [state for state, targets in TRANSITIONS.items() if to in targets]
    decision = {"state": to, "decided_at": timezone.now(), "decided_by": actor.user}
    updated = CompanyClaim.objects.filter(pk=claim.pk, state__in=allowed_from).update(**decision)
    claim.refresh_from_db()
    return updated == 1


@transaction.atomic
def assign_company(company_id: str, customer: Customer, *, actor: Actor) -> CompanyClaim:
    """Assign a company to a customer, which can then connect it without confirmation. Idempotent.

    A request of the customer that waits goes on: the exchange with SmartRecruiters starts. Requests of others are
    denied, and the incidents of others stay open. What a customer that left had of the company ends. Raises
    CompanyTakenError for a company that is assigned to another customer or was connected by one.
    """
    ownership.lock_company(company_id)
    if ownership.is_taken_by_other(company_id, [customer]):
        raise CompanyTakenError
    _end_other_claims(company_id, customer, actor)
    decision = {"state": ClaimState.ASSIGNED, "decided_at": timezone.now(), "decided_by": actor.user}
    claim, is_new = CompanyClaim.objects.get_or_create(
        company_id__iexact=company_id, customer=customer, defaults={"company_id": company_id, **decision}
    )
    if not is_new and not transition_to(claim, ClaimState.ASSIGNED, actor):
        return claim
    audit.record("company.assigned", claim.company_id, actor=actor, customer=customer.pk)
    for other in ownership.list_waiting_claims(company_id):
        deny_claim(other, actor=actor)
    incidents.close_incidents(company_id, list(IncidentKind), customer, actor=actor)
    if customer.is_active and (consent := ownership.find_waiting_consent(claim)):
        lifecycle.start_attempt(consent, customer, actor=actor)
    return claim


@transaction.atomic
def move_company(connection: Connection, customer: Customer, *, actor: Actor, reason: str) -> CompanyClaim:
    """Disconnect a company that was connected by the wrong customer, and assign it to another one.

    Orders and results stay with the customer that received them; what was not sent yet is not sent. Raises MoveError
    for a company that the customer has already, and for a connection that was given up.
    """
    ownership.lock_company(connection.company_id)
    connection.refresh_from_db()
    if connection.released_at is not None or connection.customer_id == customer.pk or not customer.is_active:
        raise MoveError
    parties = {"former_customer": connection.customer_id, "customer": customer.pk}
    audit.record("company.moved", connection.company_id, actor=actor, reason=reason, **parties)
    lifecycle.release_connection(connection, actor=actor, reason="Staff moved the company to another customer.")
    claims = CompanyClaim.objects.filter(company_id__iexact=connection.company_id, customer=connection.customer)
    claims.exclude(state=ClaimState.WAITING).delete()
    return assign_company(connection.company_id, customer, actor=actor)


def _end_other_claims(company_id: str, customer: Customer, actor: Actor) -> None:
    """End the assignments and connections of customers to which the company no longer belongs."""
    assigned = CompanyClaim.objects.filter(company_id__iexact=company_id, state=ClaimState.ASSIGNED)
    for claim in assigned.exclude(customer=customer):
        claim.delete()
        audit.record("company.unassigned", company_id, actor=actor, customer=claim.customer_id)
    for connection in ownership.list_connections(company_id):
        if connection.customer != customer and not ownership.is_unclaimed(connection):
            lifecycle.release_connection(connection, actor=actor, reason=lifecycle.LEFT_REASON)


@transaction.atomic
def end_claims(customer: Customer, *, actor: Actor = audit.SYSTEM) -> None:
    """End the requests and assignments of a customer that leaves, so that its companies are free."""
    for claim in customer.claims.exclude(state=ClaimState.DENIED):
        claim.delete()
        action = "company.withdrawn" if claim.state == ClaimState.WAITING else "company.unassigned"
        audit.record(action, claim.company_id, actor=actor, customer=customer.pk)


@transaction.atomic
def deny_claim(claim: CompanyClaim, *, actor: Actor) -> bool:
    """Deny a request and tell the customer. Return False if it does not wait any more."""
    if not transition_to(claim, ClaimState.DENIED, actor):
        return False
    audit.record("company.denied", claim.company_id, actor=actor, customer=claim.customer_id)
    emails.notify_customer(claim, Outcome.DENIED)
    return True


@transaction.atomic
def unassign_company(claim: CompanyClaim, *, actor: Actor) -> bool:
    """Take back an assignment. Return False if the customer has connected the company, which is then its own."""
    ownership.lock_company(claim.company_id)
    if has_connection(claim):
        return False
    deleted, _ = CompanyClaim.objects.filter(pk=claim.pk, state=ClaimState.ASSIGNED).delete()
    if deleted:
        audit.record("company.unassigned", claim.company_id, actor=actor, customer=claim.customer_id)
    return bool(deleted)


def has_connection(claim: CompanyClaim) -> bool:
    return any(ownership.is_holding(each) for each in ownership.list_connections(claim.company_id))


@transaction.atomic
def withdraw_claim(claim: CompanyClaim, *, actor: Actor) -> bool:
    """Withdraw a request on the customer's behalf. Return False if it does not wait any more."""
    return _delete_waiting(claim, "company.withdrawn", actor)


def expire_claims() -> int:
    """Delete requests that waited for WAITS_FOR, tell their customers, and return how many there were."""
    late = CompanyClaim.objects.filter(state=ClaimState.WAITING, requested_at__lt=timezone.now() - WAITS_FOR)
    return sum(map(_expire_claim, late))


@transaction.atomic
def _expire_claim(claim: CompanyClaim) -> bool:
    if not _delete_waiting(claim, "company.expired", audit.SYSTEM):
        return False
    emails.notify_customer(claim, Outcome.EXPIRED)
    return True


def _delete_waiting(claim: CompanyClaim, action: str, actor: Actor) -> bool:
    deleted, _ = CompanyClaim.objects.filter(pk=claim.pk, state=ClaimState.WAITING).delete()
    if deleted:
        audit.record(action, claim.company_id, actor=actor, customer=claim.customer_id)
    return bool(deleted)
