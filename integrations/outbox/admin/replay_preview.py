"""The dry run of a replay: what would become of each delivery, in words."""

from dataclasses import dataclass, field

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from integrations.outbox.handlers import UnknownKindHandler, get_handler
from integrations.outbox.models import Delivery, DeliveryState

REPLAYABLE_STATES = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
BATCH_SIZE = 900
"""What one step sends again: a form of a thousand fields is refused."""
MAX_EXAMINED = 5000
DUPLICATE_WARNING = "is sent again. Nobody knows whether it had its effect; if it had, it happens twice"


def predict_replay(delivery: Delivery) -> tuple[bool, str]:
    """Whether a replay would send this delivery, and what it does then: the predicate of a sentence."""
    if delivery.state not in REPLAYABLE_STATES:
        return False, f"stays as it is: {delivery.get_state_display().lower()}"
    if unwanted := _skip_reason(delivery):
        return False, f"is not sent: {unwanted}"
    if delivery.stream.held_reason:
        return True, f"waits with its stream: {delivery.stream.held_reason.rstrip('.')}"
    return True, DUPLICATE_WARNING if delivery.state == DeliveryState.UNKNOWN else "is sent again, at once"


def _skip_reason(delivery: Delivery) -> str:
    handler = get_handler(delivery)
    if isinstance(handler, UnknownKindHandler):
        return "nothing here sends this kind any more"
    try:
        return handler.skip_reason(delivery)
    except ObjectDoesNotExist:
        return "what it is about is gone"


@dataclass
class ReplayBatch:
    """Of many that were chosen, what one step does."""

    to_send: list[tuple[Delivery, str]] = field(default_factory=list)
    skipped: list[tuple[Delivery, str]] = field(default_factory=list)
    remaining: int = 0
    """Failed or unknown as well, and not looked at: the next step's."""

    def add_delivery(self, delivery: Delivery) -> None:
        is_sent, said = predict_replay(delivery)
        (self.to_send if is_sent else self.skipped).append((delivery, said))


def build_batch(chosen: QuerySet[Delivery]) -> ReplayBatch:
    """What is not sent in any case takes no place from what is: else it would be all that the next steps find."""
    step = ReplayBatch()
    again = chosen.filter(state__in=REPLAYABLE_STATES).select_related("stream")
    for delivery in again[:MAX_EXAMINED].iterator():
        if len(step.to_send) == BATCH_SIZE:
            break
        step.add_delivery(delivery)
    step.remaining = again.count() - len(step.to_send) - len(step.skipped)
    for delivery in chosen.exclude(state__in=REPLAYABLE_STATES).select_related("stream")[:BATCH_SIZE]:
        step.add_delivery(delivery)
    return step
