"""The dry run of a replay: what would become of each delivery, in words."""

from dataclasses import dataclass, field

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet

from integrations.outbox.handlers import Stranger, handler_of
from integrations.outbox.models import Delivery, DeliveryState

AGAIN = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
AT_ONCE = 900
"""What one step sends again: a form of a thousand fields is refused."""
LOOKED_AT = 5000
TWICE = "is sent again. Nobody knows whether it had its effect; if it had, it happens twice"


def fate(delivery: Delivery) -> tuple[bool, str]:
    """Whether a replay would send this delivery, and what it does then: the predicate of a sentence."""
    if delivery.state not in AGAIN:
        return False, f"stays as it is: {delivery.get_state_display().lower()}"
    if unwanted := _unwanted(delivery):
        return False, f"is not sent: {unwanted}"
    if delivery.stream.held_reason:
        return True, f"waits with its stream: {delivery.stream.held_reason.rstrip('.')}"
    return True, TWICE if delivery.state == DeliveryState.UNKNOWN else "is sent again, at once"


def _unwanted(delivery: Delivery) -> str:
    handler = handler_of(delivery)
    if isinstance(handler, Stranger):
        return "nothing here sends this kind any more"
    try:
        return handler.unwanted(delivery)
    except ObjectDoesNotExist:
        return "what it is about is gone"


@dataclass
class Step:
    """Of many that were chosen, what one step does."""

    sent: list[tuple[Delivery, str]] = field(default_factory=list)
    left: list[tuple[Delivery, str]] = field(default_factory=list)
    rest: int = 0
    """Failed or unknown as well, and not looked at: the next step's."""

    def add(self, delivery: Delivery) -> None:
        is_sent, said = fate(delivery)
        (self.sent if is_sent else self.left).append((delivery, said))


def step_of(chosen: QuerySet[Delivery]) -> Step:
    """What is not sent in any case takes no place from what is: else it would be all that the next steps find."""
    step = Step()
    again = chosen.filter(state__in=AGAIN).select_related("stream")
    for delivery in again[:LOOKED_AT].iterator():
        if len(step.sent) == AT_ONCE:
            break
        step.add(delivery)
    step.rest = again.count() - len(step.sent) - len(step.left)
    for delivery in chosen.exclude(state__in=AGAIN).select_related("stream")[:AT_ONCE]:
        step.add(delivery)
    return step
