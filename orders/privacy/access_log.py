"""Who saw a candidate (GDPR, article 33; RELIABILITY.md, S14): from the audit, also after the candidate was erased."""

from django.db.models import Q, QuerySet

from integrations.models import AuditEntry
from orders.privacy import erasure, erasure_log


def find_entries(email: str) -> QuerySet[AuditEntry]:
    """Every entry about this candidate's orders, or about himself, oldest first."""
    whose = erasure_log.make_pseudonym(email)
    erased = AuditEntry.objects.filter(action="candidate.erased", subject=whose).values_list("detail", flat=True)
    ids = {*erasure.find_order_ids(email), *(order_id for detail in erased for order_id in detail["orders"])}
    return AuditEntry.objects.filter(Q(subject=whose) | Q(subject__in=ids)).order_by("at", "pk")
