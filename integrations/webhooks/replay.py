"""Replay of webhook messages by time range, for an endpoint that lost messages or was down for too long."""

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
    """The time range has more messages than one replay sends. The message is for staff."""

    def __init__(self) -> None:
        super().__init__(f"There are more than {MAX_MESSAGES:,} messages in this time range: choose a shorter one.")


@dataclass(frozen=True)
class ReplayPlan:
    """The events to send again. `waiting_count` is the number of those that are still to be sent, and are left out."""

    events: list[Event]
    waiting_count: int

    @property
    def counts_by_type(self) -> dict[str, int]:
        return dict(sorted(Counter(event.type for event in self.events).items()))


def plan_replay(webhook: Webhook, since: datetime, until: datetime) -> ReplayPlan:
    """Plan a replay of the endpoint's events from `since` until before `until`. Raises TooManyMessagesError."""
    in_range = Event.objects.filter(at__gte=max(since, webhook.created_at), at__lt=until)
    chosen = list(in_range.filter(number__isnull=False, type__in=webhook.events).order_by("number")[: MAX_MESSAGES + 1])
    if len(chosen) > MAX_MESSAGES:
        raise TooManyMessagesError
    waiting = set(_deliveries_by_key(webhook, chosen, UNFINISHED_STATES))
    again = [event for event in chosen if events.sequence_key(webhook, event.public_id) not in waiting]
    return ReplayPlan(again, len(chosen) - len(again))


@transaction.atomic
def replay_events(webhook: Webhook, since: datetime, until: datetime) -> ReplayPlan:
    """Send the events again, each with its former `webhook-id`. Raises TooManyMessagesError.

    The lock on the webhook makes a second replay wait, and then leave out the messages that the first one queued.
    """
    webhook = Webhook.objects.select_for_update().get(pk=webhook.pk)
    planned = plan_replay(webhook, since, until)
    dead = _deliveries_by_key(webhook, planned.events, (DeliveryState.FAILED,))
    for event in planned.events:
        if (delivery := dead.get(events.sequence_key(webhook, event.public_id))) is not None:
            deliveries.replay(delivery)
        else:
            events.enqueue_message(webhook, event.public_id, events.build_body(event))
    return planned


def _deliveries_by_key(webhook: Webhook, chosen: list[Event], states: tuple[DeliveryState, ...]) -> dict[str, Delivery]:
    """Return the newest delivery of each event to the endpoint, by sequence key."""
    keys = [events.sequence_key(webhook, event.public_id) for event in chosen]
    return {
        delivery.key: delivery
        for start in range(0, len(keys), CHUNK_SIZE)
        for delivery in Delivery.objects.filter(key__in=keys[start : start + CHUNK_SIZE], state__in=states).order_by(
            "pk"
        )
    }
