"""Messages once more, by a stretch of time: for an endpoint that lost what it had taken, or was down for too long."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from integrations.models import Event, Webhook
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState
from integrations.webhooks import events

MAX_MESSAGES = 5000
UNFINISHED_STATES = (DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.HELD)
CHUNK_SIZE = 500


class TooManyMessagesError(Exception):
    """More messages than go in one step; the sentence is for people."""

    def __init__(self) -> None:
        super().__init__(f"There are more than {MAX_MESSAGES:,} messages in this stretch: choose a shorter one.")


@dataclass(frozen=True)
class ReplayPlan:
    events: list[Event]
    waiting_count: int
    """Messages that are on their way still: they go once, by themselves."""

    @property
    def counts_by_type(self) -> dict[str, int]:
        return dict(sorted(Counter(event.type for event in self.events).items()))


def plan_replay(webhook: Webhook, since: datetime, until: datetime) -> ReplayPlan:
    """What would go again of what happened from `since` on and before `until`, of the types that the endpoint names
    and after it was registered. Raises TooMany."""
    happened = Event.objects.filter(at__gte=max(since, webhook.created_at), at__lt=until)
    found = list(happened.filter(number__isnull=False, type__in=webhook.events).order_by("number")[: MAX_MESSAGES + 1])
    if len(found) > MAX_MESSAGES:
        raise TooManyMessagesError
    waiting = set(_deliveries_by_key(webhook, found, UNFINISHED_STATES))
    again = [event for event in found if events.sequence_key(webhook, event.public_id) not in waiting]
    return ReplayPlan(again, len(found) - len(again))


@transaction.atomic
def replay_events(webhook: Webhook, since: datetime, until: datetime) -> ReplayPlan:
    """Send them again, each with the `webhook-id` that it had. Never doubled: two who do so at once take turns, and
    the second finds the first one's messages on their way. Raises TooMany."""
    webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
    planned = plan_replay(webhook, since, until)
    dead = _deliveries_by_key(webhook, planned.events, (DeliveryState.FAILED,))
    for event in planned.events:
        if (delivery := dead.get(events.sequence_key(webhook, event.public_id))) is not None:
            deliveries.replay(delivery)
        else:
            events.enqueue_message(webhook, event.public_id, events.build_body(event))
    return planned


def _deliveries_by_key(webhook: Webhook, found: list[Event], states: tuple[DeliveryState, ...]) -> dict[str, Delivery]:
    """Of these events' messages to this endpoint, by their key; the newest of each."""
    keys = [events.sequence_key(webhook, event.public_id) for event in found]
    return {
        delivery.key: delivery
        for start in range(0, len(keys), CHUNK_SIZE)
        for delivery in Delivery.objects.filter(key__in=keys[start : start + CHUNK_SIZE], state__in=states).order_by(
            "pk"
        )
    }
