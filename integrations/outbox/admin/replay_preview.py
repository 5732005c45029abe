"""Preview of a replay: the consequences for each delivery, as text for staff, and the action that helps it on."""

from dataclasses import dataclass, field

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.utils.formats import date_format

from integrations.outbox.handlers import UnknownKindHandler, get_handler
from integrations.outbox.models import Delivery, DeliveryState
from integrations.staff.display import status_label

REPLAYABLE_STATES = (DeliveryState.FAILED, DeliveryState.UNKNOWN)
BATCH_SIZE = 900  # Django refuses a form with more than a thousand fields
MAX_EXAMINED = 5000
DUPLICATE_WARNING = "is sent again. The other side may already have processed it; then it is processed twice"


def predict_replay(delivery: Delivery) -> tuple[bool, str]:
    """Return whether a replay would send the delivery, and the consequence as the predicate of a sentence."""
    if delivery.state not in REPLAYABLE_STATES:
        return False, f"is not sent: it is {status_label(delivery.shown_state).lower()}"
    if reason := find_skip_reason(delivery):
        return False, f"is not sent: {reason}"
    stream = delivery.stream
    if stream.held_reason:
        return True, f"is put on hold with its queue: {stream.held_reason.rstrip('.')}"
    again = DUPLICATE_WARNING if delivery.state == DeliveryState.UNKNOWN else "is sent again"
    if stream.is_paused and stream.paused_until:
        return True, f"{again}. Its queue is paused until {date_format(stream.paused_until, 'H:i:s')} UTC"
    return True, again if delivery.state == DeliveryState.UNKNOWN else f"{again}, at once"


def describe_queued(delivery: Delivery, what: str = "sent") -> str:
    """Return the next steps of a delivery that was just queued, as sentences."""
    delivery.refresh_from_db()
    stream = delivery.stream
    if stream.held_reason:
        return f"It is on hold with its queue: {stream.held_reason}"
    if stream.is_paused and stream.paused_until:
        end = date_format(stream.paused_until, "H:i:s")
        return f"It is {what} when the pause of its queue ends, at {end} UTC. {stream.pause_reason}".strip()
    return f"It is being {what}. The outcome appears here soon."


def suggest_action(delivery: Delivery) -> tuple[str, str]:
    """Return the name and the label of the action that helps the delivery on, or empty strings."""
    if delivery.state in REPLAYABLE_STATES:
        if find_skip_reason(delivery):
            return "dismiss", "Dismiss"
        return ("", "") if delivery.stream.held_reason else ("replay", "Send again")
    is_retried = delivery.state == DeliveryState.PENDING and delivery.failures > 0
    return ("hurry", "Try again now") if is_retried and not delivery.stream.is_paused else ("", "")


def find_skip_reason(delivery: Delivery) -> str:
    """Return why a replay would not send, or an empty string."""
    handler = get_handler(delivery)
    if isinstance(handler, UnknownKindHandler):
        return "this version of the portal does not know this kind"
    try:
        return handler.skip_reason(delivery)
    except ObjectDoesNotExist:
        return "its order or company does not exist any more"


@dataclass
class ReplayBatch:
    """Deliveries of one step of a replay, with their consequences. `remaining` were not examined yet."""

    to_send: list[tuple[Delivery, str]] = field(default_factory=list)
    skipped: list[tuple[Delivery, str]] = field(default_factory=list)
    remaining: int = 0

    def add_delivery(self, delivery: Delivery) -> None:
        is_sent, consequence = predict_replay(delivery)
        (self.to_send if is_sent else self.skipped).append((delivery, consequence))


def build_batch(chosen: QuerySet[Delivery]) -> ReplayBatch:
    """Build the next step: up to BATCH_SIZE deliveries to send, and the skipped ones without a limit.

    If skipped ones counted, they would fill every following step.
    """
    step = ReplayBatch()
    again = chosen.filter(state__in=REPLAYABLE_STATES).select_related("stream")
    for delivery in again[:MAX_EXAMINED]:
        if len(step.to_send) == BATCH_SIZE:
            break
        step.add_delivery(delivery)
    step.remaining = again.count() - len(step.to_send) - len(step.skipped)
    for delivery in chosen.exclude(state__in=REPLAYABLE_STATES).select_related("stream")[:BATCH_SIZE]:
        step.add_delivery(delivery)
    return step
