"""Ownership of companies: the customer of each company, and the need for staff's confirmation.

`companyId` comes from a URL that SmartRecruiters does not sign, and company ids are public. So an approval alone does
not show that the company belongs to the customer.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from integrations.database.advisory_lock import lock_until_commit
from integrations.models import (
    ClaimState,
    CompanyClaim,
    CompanyConfirmation,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    Customer,
    PartnerConfiguration,
    User,
)

MAX_TRIES = 10
TRIES_WINDOW = timedelta(hours=1)
# Attempts that show no consent of the company in SmartRecruiters.
FAILED_STATES = (ConnectionState.REFUSED, ConnectionState.DISABLED)


def lock_company(company_id: str) -> None:
    """Let one transaction at a time decide about a company."""
    lock_until_commit(f"company:{company_id.lower()}")


def find_owner(company_id: str) -> Customer | None:
    """Return the customer that the company belongs to: by staff's assignment, or by an earlier connection.

    A customer that left or was switched off has what it is still connected to, and nothing else.
    """
    claims = CompanyClaim.objects.filter(company_id__iexact=company_id, state=ClaimState.ASSIGNED)
    if claim := claims.filter(customer__is_active=True).select_related("customer").first():
        return claim.customer
    return next((each.customer for each in list_connections(company_id) if is_holding(each)), None)


def list_connections(company_id: str) -> list[Connection]:
    """Return the company's connections that are not released. Spellings in another case are other connections."""
    connections = Connection.objects.filter(company_id__iexact=company_id, released_at=None)
    return list(connections.select_related("customer"))


def is_holding(connection: Connection) -> bool:
    """Return True if the connection makes the company its customer's."""
    is_open = connection.accepts_calls or connection.customer.is_active
    return connection.released_at is None and is_open and not is_unclaimed(connection)


def is_taken_by_other(company_id: str, customers: Iterable[Customer]) -> bool:
    """Return True if the company belongs to a customer that is not in `customers`."""
    owner = find_owner(company_id)
    return owner is not None and owner not in customers


def is_unclaimed(connection: Connection) -> bool:
    """Return True if the company never consented, so that its true owner may still connect it.

    Refused and cancelled attempts do not claim a company id, unless orders arrived with credentials whose response was
    lost (threat C21 in tests/reliability/README.md).
    """
    if connection.connected_at is not None or connection.orders.exists():
        return False
    return not connection.attempts.exclude(state__in=FAILED_STATES).exists()


def needs_confirmation(company_id: str, customer: Customer) -> bool:
    """Return True if staff have to confirm that the company belongs to the customer before it is connected."""
    if customer.skips_confirmation or find_owner(company_id) == customer:
        return False
    rule = PartnerConfiguration.load().company_confirmation
    if rule == CompanyConfirmation.AUTOMATIC:
        return Customer.objects.exclude(pk=customer.pk).exists()
    return rule == CompanyConfirmation.ALWAYS


def count_vain_tries(company_id: str, customer: Customer, user: User | None, *, within: timedelta) -> int:
    """Count the approvals of the person or the customer that SmartRecruiters refused, or that staff must confirm."""
    since = timezone.now() - within
    approvals = Consent.objects.filter(Q(customer=customer) | Q(user=user) if user else Q(customer=customer))
    approvals = approvals.filter(company_id__iexact=company_id, decision="approve", decided_at__gt=since)
    return approvals.filter(Q(attempt=None) | Q(attempt__state=ConnectionState.REFUSED)).count()


def list_waiting_claims(company_id: str) -> list[CompanyClaim]:
    """Return the requests for the company that wait for staff. Those of a customer that was switched off do not."""
    claims = CompanyClaim.objects.filter(company_id__iexact=company_id, state=ClaimState.WAITING)
    return list(claims.filter(customer__is_active=True).select_related("customer"))


def find_waiting_consent(claim: CompanyClaim) -> Consent | None:
    """Return the newest approval that waits for the claim, or None."""
    unstarted = claim.consents.filter(decision="approve", attempt=None)
    return unstarted.select_related("user", "customer").order_by("-decided_at").first()


def find_attempt(consent: Consent) -> ConnectAttempt | None:
    """Return the attempt that the consent led to. Of several approvals of one claim, one leads to an attempt."""
    attempts = ConnectAttempt.objects.select_related("connection__customer")
    if attempt := attempts.filter(consent=consent).first():
        return attempt
    return attempts.filter(consent__claim=consent.claim_id).first() if consent.claim_id else None
