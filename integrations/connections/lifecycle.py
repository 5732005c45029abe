"""What happens to a connection, and the only code that changes its state (DESIGN.md, "Connecting")."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations import audit
from integrations.connections import emails
from integrations.customers import memberships
from integrations.models import Client, ConnectAttempt, Connection, ConnectionState, Consent, Customer, EventType, User
from integrations.models.clients import make_client_id, make_client_secret
from integrations.outbox import deliveries
from integrations.webhooks import events

S = ConnectionState
TRANSITIONS: dict[str, frozenset[str]] = {
    S.APPROVED: frozenset({S.EXCHANGING, S.REFUSED, S.DISABLED}),
    S.EXCHANGING: frozenset({S.LIVE, S.REFUSED, S.NEEDS_RECONNECT, S.DISABLED}),
    S.LIVE: frozenset({S.LIVE, S.NEEDS_RECONNECT, S.DISABLED}),
    S.REFUSED: frozenset({S.APPROVED, S.EXCHANGING}),  # of two tries the first was refused, the second goes on
    S.NEEDS_RECONNECT: frozenset({S.LIVE, S.DISABLED}),
    S.DISABLED: frozenset({S.APPROVED}),
}
UNDECIDED = (S.APPROVED, S.EXCHANGING)
"""States of a try that goes on."""


class ConnectError(Exception):
    """Connecting is not possible; the message is for the person who tries."""


class ConsentSpent(ConnectError):
    """The consent was decided already, or is older than ten minutes."""


class BelongsToAnother(ConnectError):
    """The company is connected for another customer. Never moved by a click."""


class MayNotConnect(ConnectError):
    """This person has no right to connect."""


def move(connection: Connection, to: str, reason: str = "", **changes: object) -> bool:
    """Compare-and-set on the state, along TRANSITIONS. False: another state by now, and nothing changed."""
    allowed_from = [state for state, targets in TRANSITIONS.items() if to in targets]
    moved = Connection.objects.filter(pk=connection.pk, state__in=allowed_from).update(
        state=to, reason=reason[:500], updated_at=timezone.now(), **changes
    )
    connection.refresh_from_db()
    return moved == 1


def may_connect(user: User, customer: Customer) -> bool:
    return any(each.customer_id == customer.pk for each in memberships.that_may_connect(user))


def live_companies(customer: Customer, *, other_than: str) -> list[str]:
    """The companies that an organisation has connected already: is this one meant, too?"""
    live = customer.connections.filter(state=S.LIVE).exclude(company_id=other_than)
    return list(live.values_list("company_id", flat=True))


def is_anothers(company_id: str, customers: Iterable[Customer]) -> bool:
    """Has an organisation that is none of these connected this company before? Then none of these may approve it."""
    connection = Connection.objects.filter(company_id=company_id).exclude(customer__in=list(customers)).first()
    return connection is not None and not _is_free(connection)


def approve(consent: Consent, *, by: User, customer: Customer | None, address: str | None = None) -> ConnectAttempt:
    """Record the consent, mint a pair of our own, and queue its exchange. One transaction, no call.

    Raises MayNotConnect, ConsentSpent, BelongsToAnother; then nothing is changed. An existing live connection stays as
    it is until SmartRecruiters has answered.
    """
    if customer is None or not may_connect(by, customer):
        audit.record("connection.not_allowed", consent.company_id, by=by, address=address)
        raise MayNotConnect("Your account may not connect systems. Ask an administrator of your organisation.")
    try:
        return _approve(consent, by=by, customer=customer, address=address)
    except BelongsToAnother:
        audit.record("connection.belongs_to_another", consent.company_id, by=by, address=address)
        raise


@transaction.atomic
def _approve(consent: Consent, *, by: User, customer: Customer, address: str | None) -> ConnectAttempt:
    _decide(consent, "approve", by=by, customer=customer, address=address)
    connection = _connection_of(consent.company_id, customer)
    move(connection, S.APPROVED)
    attempt = _attempt(connection, consent)
    deliveries.enqueue(
        "exchange",
        stream="master",
        key=f"connect:{connection.company_id}",
        subject=connection.company_id,
        payload={"attempt": attempt.pk},
    )
    audit.record("connection.approved", connection.company_id, by=by, address=address, customer=customer.pk)
    return attempt


def deny(consent: Consent, *, by: User | None, address: str | None = None) -> None:
    """The person said no: nothing is created. Raises ConsentSpent."""
    with transaction.atomic():
        _decide(consent, "deny", by=by, address=address)
        audit.record("connection.denied", consent.company_id, by=by, address=address)


def _decide(
    consent: Consent,
    decision: str,
    *,
    by: User | None,
    address: str | None,
    customer: Customer | None = None,
) -> None:
    now = timezone.now()
    decided = Consent.objects.filter(pk=consent.pk, decision="", expires_at__gt=now).update(
        decision=decision, decided_at=now, user=by, customer=customer, address=address
    )
    if not decided:
        raise ConsentSpent("This request was answered already, or is older than ten minutes.")
    consent.refresh_from_db()


def _connection_of(company_id: str, customer: Customer) -> Connection:
    connection, _ = Connection.objects.select_for_update().get_or_create(
        company_id=company_id, defaults={"customer": customer}
    )
    if connection.customer_id == customer.pk:
        return connection
    if not _is_free(connection):
        raise BelongsToAnother("This SmartRecruiters company is connected for another organisation.")
    connection.customer = customer
    connection.save(update_fields=["customer", "updated_at"])
    return connection


def _is_free(connection: Connection) -> bool:
    """It never was anybody's: somebody tried a company id that did not consent (RELIABILITY.md, C21). Nothing came for
    him all the same, by a pair whose answer was lost, and no other try of his goes on."""
    if connection.state != S.REFUSED or connection.connected_at is not None or connection.orders.exists():
        return False
    return not connection.attempts.filter(state__in=UNDECIDED).exists()


def _attempt(connection: Connection, consent: Consent) -> ConnectAttempt:
    secret = make_client_secret()
    client = Client.objects.create(
        client_id=make_client_id(),
        client_secret=secret,
        name=f"SmartRecruiters for {connection.company_id}",
        connection=connection,
        client_type=Client.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Client.GRANT_CLIENT_CREDENTIALS,
    )
    attempt = ConnectAttempt(connection=connection, consent=consent, client=client, client_id_sent=client.client_id)
    attempt.client_secret = secret
    attempt.save()
    return attempt


@transaction.atomic
def begin_exchange(attempt: ConnectAttempt) -> None:
    """The call is about to go out; our pair works already. Nothing begins of a try that is over."""
    Connection.objects.select_for_update().get(pk=attempt.connection_id)
    if ConnectAttempt.objects.filter(pk=attempt.pk, state__in=UNDECIDED).update(state=S.EXCHANGING):
        move(attempt.connection, S.EXCHANGING)


@transaction.atomic
def go_live(attempt: ConnectAttempt, their_client_id: str, their_client_secret: str) -> None:
    """Store their pair, which SmartRecruiters shows once; what was held for this company goes out.

    A disable that came in the meantime wins: then our pair is dead, and theirs is of no use.
    """
    connection = Connection.objects.select_for_update().get(pk=attempt.connection_id)
    client = Client.objects.filter(attempt=attempt, revoked_at=None).first()  # by now: `attempt` was read before
    if client is None:
        _finish(attempt, S.DISABLED, "disconnected before the exchange was done")
        return
    now = timezone.now()
    connection.their_client_id = their_client_id
    connection.their_client_secret = their_client_secret
    connection.access_token = ""
    connection.save(update_fields=["their_client_id", "their_client_secret_sealed", "access_token_sealed"])
    move(connection, S.LIVE, connected_at=connection.connected_at or now, disabled_at=None)
    _finish(attempt, S.LIVE)
    _revoke(connection.clients.exclude(pk=client.pk).values_list("pk", flat=True), now)
    deliveries.release(connection.stream_name)
    events.of_connection(EventType.CONNECTION_ENABLED, connection)
    audit.record("connection.live", connection.company_id)


@transaction.atomic
def refuse(attempt: ConnectAttempt, reason: str) -> None:
    """SmartRecruiters said no: nothing of this try is kept, and a connection that was live stays so."""
    _finish(attempt, S.REFUSED, reason)
    Client.objects.filter(attempt=attempt).delete()
    move(attempt.connection, S.REFUSED, reason)
    audit.record("connection.refused", attempt.connection.company_id, reason=reason)


@transaction.atomic
def lose_answer(attempt: ConnectAttempt, reason: str) -> None:
    """SmartRecruiters has integrated and their pair is not here: orders come in and are kept, answers wait.

    A connection that is live goes on with the pair that it has; should that be dead by now, the next call says so.
    """
    _finish(attempt, S.NEEDS_RECONNECT, reason)
    if attempt.connection.state != S.LIVE:
        need_reconnect(attempt.connection, reason)


@transaction.atomic
def need_reconnect(connection: Connection, reason: str) -> None:
    if move(connection, S.NEEDS_RECONNECT, reason):
        deliveries.hold(connection.stream_name, "The connection needs a reconnect.")
        audit.record("connection.needs_reconnect", connection.company_id, reason=reason)
        emails.tell(connection)


@transaction.atomic
def retry(connection: Connection, *, by: User) -> bool:
    """Staff say that their pair is good again. False when there is no pair to try, or nothing to mend."""
    if not connection.their_client_id or connection.state != S.NEEDS_RECONNECT or not move(connection, S.LIVE):
        return False
    deliveries.release(connection.stream_name)
    audit.record("connection.retried", connection.company_id, by=by)
    return True


@transaction.atomic
def disable(connection: Connection, *, by: User | None = None, address: str | None = None, why: str = "") -> None:
    """Our pair and its tokens are dead at once; what is to be sent is held for a reconnect. Idempotent."""
    now = timezone.now()
    Connection.objects.select_for_update().get(pk=connection.pk)  # whoever connects it has done so, or sees us
    _revoke(connection.clients.values_list("pk", flat=True), now)
    deliveries.cancel([f"connect:{connection.company_id}"], "the connection was ended")
    connection.attempts.filter(state__in=UNDECIDED).update(
        state=S.DISABLED, reason="the connection was ended", client_secret_sealed="", finished_at=now
    )
    if not move(
        connection,
        S.DISABLED,
        why,
        disabled_at=now,
        their_client_id="",
        their_client_secret_sealed="",
        access_token_sealed="",
    ):
        return
    deliveries.hold(connection.stream_name, "The customer ended the connection.")
    if connection.connected_at is not None:
        events.of_connection(EventType.CONNECTION_DISABLED, connection)
    audit.record("connection.disabled", connection.company_id, by=by, address=address, why=why)


def _finish(attempt: ConnectAttempt, state: str, reason: str = "") -> None:
    ConnectAttempt.objects.filter(pk=attempt.pk).update(
        state=state, reason=reason[:500], client_secret_sealed="", finished_at=timezone.now()
    )
    attempt.refresh_from_db()


def _revoke(client_pks: object, now: datetime) -> None:
    Client.objects.filter(Q(pk__in=client_pks), revoked_at=None).update(revoked_at=now)
    get_access_token_model().objects.filter(application__in=client_pks).delete()
