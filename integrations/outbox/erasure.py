"""Taking out of the outbox what was, or was to be, sent about something."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from integrations.outbox import clock, leases
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream

S = DeliveryState
UNSENT_STATES = (S.PENDING, S.HELD, S.FAILED)


def _filter_by_subject(subjects: Collection[str]) -> QuerySet[Delivery]:
    return Delivery.objects.filter(subject__in=subjects)


@transaction.atomic
def cancel_by_subject(subjects: Collection[str], reason: str, *, except_kinds: Collection[str] = ()) -> int:
    """Cancel what is unsent about these subjects, save for the `spared` kinds of deliveries.

    What a courier that died left in flight is cancelled, too. Returns how many are on their way in a courier's hands:
    they end within its deadline, so ask again.
    """
    wanted = _filter_by_subject(subjects).exclude(kind__in=except_kinds)
    wanted.filter(state__in=UNSENT_STATES).update(state=S.SUPERSEDED, reason=reason, finished_at=clock.now())
    on_their_way = wanted.filter(state=S.IN_FLIGHT)
    return sum(not _cancel_orphans(stream, on_their_way, reason) for stream in _list_streams(on_their_way))


def _list_streams(rows: QuerySet[Delivery]) -> list[Stream]:
    return list(Stream.objects.filter(pk__in=rows.values("stream")).order_by("pk"))


def _cancel_orphans(stream: Stream, rows: QuerySet[Delivery], reason: str) -> bool:
    """Whether nobody holds the stream: then nobody carries these either, and its new number keeps the dead away."""
    lease = leases.acquire(stream.pk, 30)
    if lease is None:
        return False
    rows.filter(stream=stream).update(state=S.SUPERSEDED, reason=reason, finished_at=clock.now())
    lease.release()
    return True


def erase_content(subjects: Collection[str], *, except_kinds: Collection[str] = ()) -> int:
    """Empty what was sent and answered about these subjects; payloads of the `spared` kinds stay.

    Returns how many deliveries there were. Call it when `call_off` says that nothing is on its way.
    """
    Attempt.objects.filter(delivery__subject__in=subjects).update(request={}, response="", error="")
    rows = _filter_by_subject(subjects).exclude(kind__in=except_kinds)
    # The reason of what was superseded is the portal's own; the others may quote an answer.
    rows.exclude(state=S.SUPERSEDED).update(reason="")
    return rows.update(payload={})
