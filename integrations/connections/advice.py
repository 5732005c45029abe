"""Advice for staff on a connection: the next step, by the cause of its state."""

from django.utils.formats import date_format

from integrations.connections import consents, lifecycle
from integrations.connections.consents import ExchangeStatus
from integrations.models import Connection, ConnectionState
from integrations.outbox.models import Delivery, DeliveryState, Stream

State = ConnectionState
CONNECT_AGAIN = "The customer can connect again from SmartRecruiters."
NOTHING_TO_DO = "There is nothing to do."
REFUSAL_ADVICE = {
    403: "The customer’s administrator has to agree to the app under “Apps” in SmartRecruiters, then connect again "
    "from there. If that does not help, ask SmartRecruiters for the scope client_credentials_write.",
    404: "Publish the partner configuration. Then the customer has to connect again from SmartRecruiters.",
}


def advise_staff(connection: Connection) -> str:
    """Return the state's meaning and the next step, as sentences."""
    if connection.state == State.LIVE:
        return _advise_on_live(connection)
    if connection.state == State.NEEDS_RECONNECT:
        return _advise_on_reconnect(connection)
    if connection.released_at is not None:
        return f"It has ended for good, and its orders stay with its customer. {NOTHING_TO_DO}"
    if connection.state == State.DISABLED:
        there = "" if connection.is_ended_remotely else " It has to disconnect in SmartRecruiters first."
        return (
            "Requests of this company are refused. Its deliveries are on hold until the same company connects again."
            f"{there}"
        )
    attempt = connection.attempts.first()
    return _advise_on_exchange(connection, consents.load_exchanges([attempt])[attempt.pk] if attempt else None)


def _advise_on_live(connection: Connection) -> str:
    stream = Stream.objects.filter(name=connection.stream_name).first()
    if stream and stream.held_reason:
        return f"Orders are received. Deliveries are on hold: {stream.held_reason} Release their queue to send them."
    if stream and stream.is_paused:
        reason = stream.pause_reason.rstrip(".") or "The reason was not recorded"
        return f"Orders are received. Deliveries are paused and continue automatically. {reason}."
    failed = Delivery.objects.filter(stream=stream, state__in=(DeliveryState.FAILED, DeliveryState.UNKNOWN))
    if stream and failed.exists():
        return "Orders are received. Some deliveries failed: see “Needs attention” on the overview."
    return f"Orders are received and results are delivered. {NOTHING_TO_DO}"


def _advise_on_reconnect(connection: Connection) -> str:
    orders = (
        "Orders are still accepted."
        if connection.can_receive_orders
        else "No order can come in: SmartRecruiters has credentials that were revoked here."
    )
    customer = (
        "If the credentials were refused by mistake, try again. Otherwise the customer"
        if connection.their_client_id
        else "The customer"
    )
    return (
        f"{orders} Deliveries are on hold; nothing is lost. {customer} has to disconnect in SmartRecruiters and "
        "connect again; then the deliveries on hold are sent."
    )


def _advise_on_exchange(connection: Connection, exchange: ExchangeStatus | None) -> str:
    if connection.state not in lifecycle.IN_PROGRESS_STATES:
        if exchange and not exchange.was_refused:
            return f"SmartRecruiters did not answer. {CONNECT_AGAIN}"
        return REFUSAL_ADVICE.get((exchange and exchange.status) or 0, CONNECT_AGAIN)
    if exchange and exchange.is_held:
        return f"The exchange of credentials does not go on: {exchange.held_reason or 'its delivery failed'}"
    if exchange and exchange.next_at:
        at = date_format(exchange.next_at, "H:i:s")
        return f"The exchange of credentials has not succeeded yet. The next attempt is at {at} UTC. {NOTHING_TO_DO}"
    return f"Credentials are being exchanged with SmartRecruiters. {NOTHING_TO_DO}"
