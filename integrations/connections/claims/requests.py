"""Requests for confirmation: an approval that waits until staff assign the company."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from integrations import audit, incidents
from integrations.audit import Actor
from integrations.connections.claims import emails, ownership
from integrations.models import ClaimState, CompanyClaim, Consent, Customer, IncidentKind, User

SUSPICIOUS_TRIES = 3
COUNTED_WITHIN = timedelta(days=1)


class ClaimDeniedError(Exception):
    """Staff denied that the company belongs to the customer."""


@transaction.atomic
def request_confirmation(consent: Consent, customer: Customer, *, actor: Actor) -> CompanyClaim:
    """Let an approved consent wait for staff, and email them. SmartRecruiters is not called, no credentials are issued.

    Raises ClaimDeniedError. A further approval joins the request that waits already.
    """
    claim, is_new = CompanyClaim.objects.get_or_create(
        company_id__iexact=consent.company_id,
        customer=customer,
        defaults={
            "company_id": consent.company_id,
            "state": ClaimState.WAITING,
            "requested_at": timezone.now(),
        },
    )
    if claim.state == ClaimState.DENIED:
        raise ClaimDeniedError
    Consent.objects.filter(pk=consent.pk).update(claim=claim)
    consent.claim = claim
    if is_new:
        audit.record("company.requested", claim.company_id, actor=actor, customer=customer.pk)
        emails.notify_staff(claim)
    rivals = [each.customer for each in ownership.list_waiting_claims(claim.company_id) if each != claim]
    # Also of those who came first: once staff have confirmed one of them, the incidents of the others are what is left.
    for each in [customer, *(rivals if is_new else [])] if rivals else []:
        incidents.record_incident(IncidentKind.COMPANY_CLASH, claim.company_id, each)
    note_vain_try(claim.company_id, customer, actor.user)
    return claim


def note_vain_try(company_id: str, customer: Customer, user: User | None) -> None:
    """Open an incident from the third failed try in a day on."""
    tries = ownership.count_vain_tries(company_id, customer, user, within=COUNTED_WITHIN)
    if tries >= SUSPICIOUS_TRIES:
        incidents.record_incident(IncidentKind.COMPANY_TRIES, company_id, customer, count=tries)
