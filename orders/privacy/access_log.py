"""Access log of a candidate, from the audit log: GDPR, article 33; S14 in tests/reliability/README.md."""

from django.db.models import Q, QuerySet

from integrations.models import AuditEntry
from orders.privacy import erasure, erasure_log


def find_entries(email: str) -> QuerySet[AuditEntry]:
    """Return the audit entries about the candidate or their orders, oldest first. Works after an erasure, too."""
    pseudonyms = erasure_log.make_pseudonyms(email)
    erased = AuditEntry.objects.filter(action="candidate.erased", subject__in=pseudonyms).values_list(
        "detail", flat=True
    )
    ids = {*erasure.find_order_ids(email), *(order_id for detail in erased for order_id in detail["orders"])}
    return AuditEntry.objects.filter(Q(subject__in=pseudonyms) | Q(subject__in=ids)).order_by("at", "pk")
