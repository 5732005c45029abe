"""The dry run of a replay: what would become of each delivery, in words."""

from django.core.exceptions import ObjectDoesNotExist

from integrations.outbox.handlers import handler_of
from integrations.outbox.models import Delivery, DeliveryState

AGAIN = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
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
    try:
        return handler_of(delivery).unwanted(delivery)
    except KeyError:
        return "nothing here sends this kind any more"
    except ObjectDoesNotExist:
        return "what it is about is gone"
