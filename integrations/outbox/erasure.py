"""Erasure of a candidate's data from the outbox: cancels deliveries, and empties their content and attempts."""

from collections.abc import Collection

from django.db import transaction

from integrations.outbox import leases
from integrations.outbox.deliveries import cancel_unsent
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.transitions import transition

S = DeliveryState


@transaction.atomic
def cancel_by_subject(subjects: Collection[str], reason: str, *, except_kinds: Collection[str] = ()) -> int:
    """Cancel the unsent deliveries about these subjects, and those that a dead courier left in flight.

    Returns how many streams still have calls running. They end within the lease, so call this again later.
    """
    deliveries = Delivery.objects.filter(subject__in=subjects).exclude(kind__in=except_kinds)
    cancel_unsent(deliveries, reason)
    in_flight = deliveries.filter(state=S.IN_FLIGHT)
    busy = 0
    for stream in list(Stream.objects.filter(pk__in=in_flight.values("stream")).order_by("pk")):
        # Taking the lease fences off a courier that is believed dead and comes back.
        if lease := leases.acquire(stream.pk, 30):
            transition(in_flight.filter(stream=stream), S.IN_FLIGHT, to=S.SUPERSEDED, reason=reason)
            lease.release()
        else:
            busy += 1
    return busy


def erase_content(subjects: Collection[str], *, except_kinds: Collection[str] = ()) -> int:
    """Empty the payloads and attempts of the deliveries about these subjects, and return how many there were.

    Payloads of `except_kinds` stay. Call it when `cancel_by_subject` returns 0.
    """
    Attempt.objects.filter(delivery__subject__in=subjects).update(request={}, response="", error="")
    rows = Delivery.objects.filter(subject__in=subjects).exclude(kind__in=except_kinds)
    # The reason of a superseded delivery is the portal's own text; other reasons may quote a response.
    rows.exclude(state=S.SUPERSEDED).update(reason="")
    return rows.update(payload={})
