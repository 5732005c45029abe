"""State machine of a delivery: the allowed transitions, and the compare-and-swap that makes every one of them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from integrations import metrics
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState

S = DeliveryState
INITIAL_STATES = frozenset({S.PENDING, S.HELD})
TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    S.PENDING: frozenset({S.IN_FLIGHT, S.HELD, S.SUPERSEDED, S.FAILED}),
    S.IN_FLIGHT: frozenset({S.DELIVERED, S.PENDING, S.HELD, S.SUPERSEDED, S.UNKNOWN, S.FAILED}),
    S.HELD: frozenset({S.PENDING, S.SUPERSEDED}),
    S.UNKNOWN: frozenset({S.DELIVERED, S.PENDING, S.SUPERSEDED, S.FAILED}),
    S.FAILED: frozenset({S.PENDING, S.SUPERSEDED}),
    S.DELIVERED: frozenset(),
    S.SUPERSEDED: frozenset(),
}
UNSENT_STATES = (S.PENDING, S.HELD, S.FAILED)
FINISHED_STATES = (S.DELIVERED, S.SUPERSEDED, S.FAILED)


class InvalidTransitionError(Exception):
    """The state machine has no such transition."""


def transition(deliveries: QuerySet[Delivery], *sources: DeliveryState, to: DeliveryState, **changes: Any) -> int:
    """Move the deliveries that are still in one of `sources`, set `changes`, and return how many moved.

    One conditional UPDATE: of two writers, the second has no effect. The holder of a lease also filters by its fencing
    token. Raises InvalidTransitionError.
    """
    if invalid := [source for source in sources if to not in TRANSITIONS[source]]:
        raise InvalidTransitionError(f"{', '.join(invalid)} to {to}")
    finished_at = clock.now() if to in FINISHED_STATES else None
    moved = deliveries.filter(state__in=sources).update(state=to, finished_at=finished_at, **changes)
    if moved and finished_at:
        metrics.count_on_commit(metrics.DELIVERIES_FINISHED, moved, state=to)
    return moved
