"""What happens to a connection, and the only code that changes its state (DESIGN.md, "Connecting")."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations import audit
from integrations.audit import Actor
from integrations.connections import emails
from integrations.customers import memberships
from integrations.models import Client, ConnectAttempt, Connection, ConnectionState, Consent, Customer, EventType, User
from integrations.models.clients import make_client_id, make_client_secret
from integrations.outbox import deliveries
from integrations.webhooks import events

State = ConnectionState
TRANSITIONS: dict[str, frozenset[str]] = {
    State.APPROVED: frozenset({State.EXCHANGING, State.REFUSED, State.DISABLED}),
    State.EXCHANGING: frozenset({State.LIVE, State.REFUSED, State.NEEDS_RECONNECT, State.DISABLED}),
    State.LIVE: frozenset({State.LIVE, State.NEEDS_RECONNECT, State.DISABLED}),
    State.REFUSED: frozenset(
        {State.APPROVED, State.EXCHANGING}
    ),  # of two tries the first was refused, the second goes on
    State.NEEDS_RECONNECT: frozenset({State.LIVE, State.DISABLED}),
    State.DISABLED: frozenset({State.APPROVED}),
}
IN_PROGRESS_STATES = (State.APPROVED, State.EXCHANGING)
"""States of a try that goes on."""


class ConnectError(Exception):
    """Connecting is not possible; the message is for the person who tries."""


class ConsentUsedError(ConnectError):
    """The consent was decided already, or is older than ten minutes."""


class CompanyTakenError(ConnectError):
    """The company is connected for another customer. Never moved by a click."""


class NotAllowedError(ConnectError):
    """This person has no right to connect."""


def transition_to(connection: Connection, to: str, reason: str = "", **changes: object) -> bool:
    """Compare-and-set on the state, along TRANSITIONS. False: another state by now, and nothing changed."""
    allowed_from = [state for state, targets in TRANSITIONS.items() if to in targets]
    moved = Connection.objects.filter(pk=connection.pk, state__in=allowed_from).update(
        state=to, reason=reason[:500], updated_at=timezone.now(), **changes
    )
    connection.refresh_from_db()
    return moved == 1


def can_connect(user: User | None, customer: Customer) -> bool:
    return any(each.customer_id == customer.pk for each in memberships.connectable_memberships(user))


def live_companies(customer: Customer, *, other_than: str) -> list[str]:
    """The companies that an organisation has connected already: is this one meant, too?"""
    live = customer.connections.filter(state=State.LIVE).exclude(company_id=other_than)
    return list(live.values_list("company_id", flat=True))


def is_taken_by_other(company_id: str, customers: Iterable[Customer]) -> bool:
    """Has an organisation that is none of these connected this company before? Then none of these may approve it."""
    connection = Connection.objects.filter(company_id=company_id).exclude(customer__in=list(customers)).first()
    return connection is not None and not _is_unclaimed(connection)


def approve_consent(consent: Consent, *, actor: Actor, customer: Customer | None) -> ConnectAttempt:
    """Record the consent, mint a pair of our own, and queue its exchange. One transaction, no call.

    Raises NotAllowedError, ConsentUsedError, CompanyTakenError; then nothing is changed. An existing live connection stays as
    it is until SmartRecruiters has answered.
    """
    if customer is None or not can_connect(actor.user, customer):
        audit.record("connection.not_allowed", consent.company_id, actor=actor)
        raise NotAllowedError("Your account may not connect systems. Ask an administrator of your organisation.")
    try:
        return _approve_consent(consent, actor, customer)
    except CompanyTakenError:
        audit.record("connection.belongs_to_another", consent.company_id, actor=actor)
        raise


@transaction.atomic
def _approve_consent(consent: Consent, actor: Actor, customer: Customer) -> ConnectAttempt:
    _record_decision(consent, "approve", actor, customer)
    connection = _get_connection(consent.company_id, customer)
    transition_to(connection, State.APPROVED)
    attempt = _create_attempt(connection, consent)
    deliveries.enqueue(
        "exchange",
        stream="master",
        key=f"connect:{connection.company_id}",
        subject=connection.company_id,
        payload={"attempt": attempt.pk},
    )
    audit.record("connection.approved", connection.company_id, actor=actor, customer=customer.pk)
    return attempt


def deny_consent(consent: Consent, *, actor: Actor) -> None:
    """The person said no: nothing is created. Raises ConsentUsedError."""
    with transaction.atomic():
        _record_decision(consent, "deny", actor)
        audit.record("connection.denied", consent.company_id, actor=actor)


def _record_decision(consent: Consent, decision: str, actor: Actor, customer: Customer | None = None) -> None:
    now = timezone.now()
    decided = Consent.objects.filter(pk=consent.pk, decision="", expires_at__gt=now).update(
        decision=decision, decided_at=now, user=actor.user, customer=customer, ip=actor.ip
    )
    if not decided:
        raise ConsentUsedError("This request was answered already, or is older than ten minutes.")
    consent.refresh_from_db()


def _get_connection(company_id: str, customer: Customer) -> Connection:
    connection, _ = Connection.objects.select_for_update().get_or_create(
        company_id=company_id, defaults={"customer": customer}
    )
    if connection.customer_id == customer.pk:
        return connection
    if not _is_unclaimed(connection):
        raise CompanyTakenError("This SmartRecruiters company is connected for another organisation.")
    connection.customer = customer
    connection.save(update_fields=["customer", "updated_at"])
    return connection


def _is_unclaimed(connection: Connection) -> bool:
    """It never was anybody's: somebody tried a company id that did not consent (RELIABILITY.md, C21). Nothing came for
    him all the same, by a pair whose answer was lost, and no other try of his goes on."""
    if connection.state != State.REFUSED or connection.connected_at is not None or connection.orders.exists():
        return False
    return not connection.attempts.filter(state__in=IN_PROGRESS_STATES).exists()


def _create_attempt(connection: Connection, consent: Consent) -> ConnectAttempt:
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
    if ConnectAttempt.objects.filter(pk=attempt.pk, state__in=IN_PROGRESS_STATES).update(state=State.EXCHANGING):
        transition_to(attempt.connection, State.EXCHANGING)


@transaction.atomic
def activate_connection(attempt: ConnectAttempt, their_client_id: str, their_client_secret: str) -> None:
    """Store their pair, which SmartRecruiters shows once; what was held for this company goes out.

    A disable that came in the meantime wins: then our pair is dead, and theirs is of no use.
    """
    connection = Connection.objects.select_for_update().get(pk=attempt.connection_id)
    client = Client.objects.filter(attempt=attempt, revoked_at=None).first()  # by now: `attempt` was read before
    if client is None:
        _finish_attempt(attempt, State.DISABLED, "disconnected before the exchange was done")
        return
    now = timezone.now()
    connection.their_client_id = their_client_id
    connection.their_client_secret = their_client_secret
    connection.access_token = ""
    connection.save(update_fields=["their_client_id", "their_client_secret_sealed", "access_token_sealed"])
    transition_to(connection, State.LIVE, connected_at=connection.connected_at or now, disabled_at=None)
    _finish_attempt(attempt, State.LIVE)
    _revoke_clients(connection.clients.exclude(pk=client.pk).values_list("pk", flat=True), now)
    deliveries.release_stream(connection.stream_name)
    events.record_connection_event(EventType.CONNECTION_ENABLED, connection)
    audit.record("connection.live", connection.company_id)


@transaction.atomic
def mark_refused(attempt: ConnectAttempt, reason: str) -> None:
    """SmartRecruiters said no: nothing of this try is kept, and a connection that was live stays so."""
    _finish_attempt(attempt, State.REFUSED, reason)
    Client.objects.filter(attempt=attempt).delete()
    transition_to(attempt.connection, State.REFUSED, reason)
    audit.record("connection.refused", attempt.connection.company_id, reason=reason)


@transaction.atomic
def mark_response_lost(attempt: ConnectAttempt, reason: str) -> None:
    """SmartRecruiters has integrated and their pair is not here: orders come in and are kept, answers wait.

    A connection that is live goes on with the pair that it has; should that be dead by now, the next call says so.
    """
    _finish_attempt(attempt, State.NEEDS_RECONNECT, reason)
    if attempt.connection.state != State.LIVE:
        require_reconnect(attempt.connection, reason)


@transaction.atomic
def require_reconnect(connection: Connection, reason: str) -> None:
    if transition_to(connection, State.NEEDS_RECONNECT, reason):
        deliveries.hold_stream(connection.stream_name, "The connection needs a reconnect.")
        audit.record("connection.needs_reconnect", connection.company_id, reason=reason)
        emails.notify_reconnect(connection)


@transaction.atomic
def retry_connection(connection: Connection, *, actor: Actor) -> bool:
    """Staff say that their pair is good again. False when there is no pair to try, or nothing to mend."""
    if (
        not connection.their_client_id
        or connection.state != State.NEEDS_RECONNECT
        or not transition_to(connection, State.LIVE)
    ):
        return False
    deliveries.release_stream(connection.stream_name)
    audit.record("connection.retried", connection.company_id, actor=actor)
    return True


@transaction.atomic
def disable_connection(connection: Connection, *, actor: Actor = audit.SYSTEM, reason: str = "") -> None:
    """Our pair and its tokens are dead at once; what is to be sent is held for a reconnect. Idempotent."""
    now = timezone.now()
    Connection.objects.select_for_update().get(pk=connection.pk)  # whoever connects it has done so, or sees us
    _revoke_clients(connection.clients.values_list("pk", flat=True), now)
    deliveries.cancel_by_key([f"connect:{connection.company_id}"], "the connection was ended")
    connection.attempts.filter(state__in=IN_PROGRESS_STATES).update(
        state=State.DISABLED, reason="the connection was ended", client_secret_sealed="", finished_at=now
    )
    if not transition_to(
        connection,
        State.DISABLED,
        reason,
        disabled_at=now,
        their_client_id="",
        their_client_secret_sealed="",
        access_token_sealed="",
    ):
        return
    deliveries.hold_stream(connection.stream_name, "The customer ended the connection.")
    if connection.connected_at is not None:
        events.record_connection_event(EventType.CONNECTION_DISABLED, connection)
    audit.record("connection.disabled", connection.company_id, actor=actor, why=reason)


def _finish_attempt(attempt: ConnectAttempt, state: str, reason: str = "") -> None:
    ConnectAttempt.objects.filter(pk=attempt.pk).update(
        state=state, reason=reason[:500], client_secret_sealed="", finished_at=timezone.now()
    )
    attempt.refresh_from_db()


def _revoke_clients(client_pks: object, now: datetime) -> None:
    Client.objects.filter(Q(pk__in=client_pks), revoked_at=None).update(revoked_at=now)
    get_access_token_model().objects.filter(application__in=client_pks).delete()
