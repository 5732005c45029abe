"""Incidents, which staff should look into. They are shown on the overview until they are closed."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations import audit
from integrations.audit import Actor
from integrations.models import Customer, Incident, IncidentKind


@transaction.atomic
def record_incident(kind: IncidentKind, subject: str, customer: Customer, *, count: int | None = None) -> Incident:
    """Open an incident, or count again in the open one of this kind. `count` replaces the count."""
    now = timezone.now()
    incident, is_new = Incident.objects.get_or_create(
        kind=kind,
        subject=subject,
        customer=customer,
        closed_at=None,
        defaults={"first_at": now, "last_at": now, "count": count or 1},
    )
    if is_new:
        audit.record("incident.opened", subject, kind=kind, customer=customer.pk)
    else:
        Incident.objects.filter(pk=incident.pk).update(last_at=now, count=count or F("count") + 1)
    return incident


@transaction.atomic
def close_incidents(
    subject: str, kinds: Sequence[IncidentKind], customer: Customer, *, actor: Actor = audit.SYSTEM
) -> int:
    """Close the customer's open incidents of these kinds about the subject, and return how many there were.

    Incidents of other customers stay open: that one of them has a company does not explain why the others wanted it.
    """
    open_ones = Incident.objects.filter(subject__iexact=subject, kind__in=kinds, customer=customer, closed_at=None)
    return sum(close_incident(incident, actor=actor) for incident in open_ones)


@transaction.atomic
def close_incident(incident: Incident, *, actor: Actor) -> bool:
    """Close an incident. Return False if it was closed before."""
    is_open = Incident.objects.filter(pk=incident.pk, closed_at=None)
    if not is_open.update(closed_at=timezone.now(), closed_by=actor.user):
        return False
    audit.record("incident.closed", incident.subject, actor=actor, kind=incident.kind, customer=incident.customer_id)
    return True
