"""State machine of connections: the only code that changes their state. See integrations/connections/README.md."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from integrations import audit, incidents, rate_limits
from integrations.audit import Actor
from integrations.connections import emails
from integrations.connections.claims import emails as claim_emails
from integrations.connections.claims import ownership, requests
from integrations.connections.claims.emails import Outcome
from integrations.customers import memberships
from integrations.models import (
    Client,
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    Customer,
    EventType,
    IncidentKind,
    User,
)
from integrations.outbox import deliveries
from integrations.webhooks import events

State = ConnectionState
TRANSITIONS: dict[str, frozenset[str]] = {
    State.APPROVED: frozenset({State.EXCHANGING, State.REFUSED, State.DISABLED}),
    State.EXCHANGING: frozenset({State.LIVE, State.REFUSED, State.NEEDS_RECONNECT, State.DISABLED}),
    State.LIVE: frozenset({State.LIVE, State.NEEDS_RECONNECT, State.DISABLED}),
    # EXCHANGING: of two attempts the first was refused, and the second continues.
    State.REFUSED: frozenset({State.APPROVED, State.EXCHANGING}),
    State.NEEDS_RECONNECT: frozenset({State.LIVE, State.DISABLED}),
    State.DISABLED: frozenset({State.APPROVED}),
}
IN_PROGRESS_STATES = (State.APPROVED, State.EXCHANGING)
DISCONNECTED_REASON = "the company was disconnected"
RELEASED_REASON = "the company was given to another customer"
LEFT_REASON = "The customer left, and the company was given to another customer."


class ConnectError(Exception):
    """Connecting is not possible."""


class ConsentUsedError(ConnectError):
    """The consent was decided already, or it expired."""


class CompanyTakenError(ConnectError):
    """The company belongs to another customer. No user can move it."""


class NotAllowedError(ConnectError):
    """The user may not connect for this customer."""


class TooManyTriesError(ConnectError):
    """The person or the customer has tried too often in vain."""


def transition_to(connection: Connection, to: str, reason: str = "", **changes: object) -> bool:
    """Compare-and-set the state along TRANSITIONS. Return False, without changes, if the transition is not allowed."""
    allowed_from = [state for state, targets in TRANSITIONS.items() if to in targets]
    updated = Connection.objects.filter(pk=connection.pk, state__in=allowed_from).update(
        state=to, reason=reason[:500], updated_at=timezone.now(), **changes
    )
    connection.refresh_from_db()
    return updated == 1


def can_connect(user: User | None, customer: Customer) -> bool:
    return any(each.customer_id == customer.pk for each in memberships.connectable_memberships(user))


def live_companies(customer: Customer, *, other_than: str) -> list[str]:
    """Return the ids of the customer's live companies, to warn of an accidental second connection."""
    live = customer.connections.filter(state=State.LIVE).exclude(company_id=other_than)
    return list(live.values_list("company_id", flat=True))


def approve_consent(consent: Consent, *, actor: Actor, customer: Customer | None) -> ConnectAttempt | None:
    """Record the consent, issue our credentials, and enqueue their exchange, in one transaction.

    Returns None if staff have to confirm first that the company is the customer's: then only the consent is recorded. A
    live connection stays as it is until SmartRecruiters has answered. Raises NotAllowedError, ConsentUsedError,
    TooManyTriesError, CompanyTakenError and ClaimDeniedError, without changes.
    """
    if customer is None or not can_connect(actor.user, customer):
        _record_refusal("connection.not_allowed", consent, actor)
        raise NotAllowedError
    tries = ownership.count_vain_tries(consent.company_id, customer, actor.user, within=ownership.TRIES_WINDOW)
    if tries >= ownership.MAX_TRIES:
        _record_refusal("connection.too_many_tries", consent, actor)
        raise TooManyTriesError
    try:
        return _approve_consent(consent, actor, customer)
    except CompanyTakenError:
        _record_refusal("connection.belongs_to_another", consent, actor)
        incidents.record_incident(IncidentKind.COMPANY_CLASH, consent.company_id, customer)
        raise


def _record_refusal(action: str, consent: Consent, actor: Actor) -> None:
    """Audit a refused approval, once a minute per person and company: any signed-in user can repeat it at will."""
    if rate_limits.is_first(action, str(actor.user and actor.user.pk), consent.company_id):
        audit.record(action, consent.company_id, actor=actor)


@transaction.atomic
def _approve_consent(consent: Consent, actor: Actor, customer: Customer) -> ConnectAttempt | None:
    ownership.lock_company(consent.company_id)
    _record_decision(consent, "approve", actor, customer)
    if ownership.is_taken_by_other(consent.company_id, [customer]):
        raise CompanyTakenError
    if ownership.needs_confirmation(consent.company_id, customer):
        requests.request_confirmation(consent, customer, actor=actor)
        return None
    return start_attempt(consent, customer, actor=actor)


@transaction.atomic
def start_attempt(consent: Consent, customer: Customer, *, actor: Actor) -> ConnectAttempt:
    """Issue our credentials and enqueue their exchange, for an approved consent. Raises CompanyTakenError."""
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


@transaction.atomic
def deny_consent(consent: Consent, *, actor: Actor) -> None:
    """Record that consent was denied. Raises ConsentUsedError."""
    _record_decision(consent, "deny", actor)
    audit.record("connection.denied", consent.company_id, actor=actor)


def _record_decision(consent: Consent, decision: str, actor: Actor, customer: Customer | None = None) -> None:
    now = timezone.now()
    decided = Consent.objects.filter(pk=consent.pk, decision="", expires_at__gt=now).update(
        decision=decision, decided_at=now, user=actor.user, customer=customer, ip=actor.ip
    )
    if not decided:
        raise ConsentUsedError
    consent.refresh_from_db()


def _get_connection(company_id: str, customer: Customer) -> Connection:
    locked = Connection.objects.select_for_update()
    connection, _ = locked.get_or_create(company_id=company_id, released_at=None, defaults={"customer": customer})
    if connection.customer_id == customer.pk:
        return connection
    if ownership.is_holding(connection):
        raise CompanyTakenError
    if not ownership.is_unclaimed(connection):  # its customer left
        release_connection(connection, reason=LEFT_REASON)
        return Connection.objects.create(company_id=company_id, customer=customer)
    connection.customer = customer
    connection.save(update_fields=["customer", "updated_at"])
    return connection


def _create_attempt(connection: Connection, consent: Consent) -> ConnectAttempt:
    client, secret = Client.issue(f"SmartRecruiters for {connection.company_id}", connection=connection)
    attempt = ConnectAttempt(connection=connection, consent=consent, client=client, client_id_sent=client.client_id)
    attempt.client_secret = secret
    attempt.save()
    return attempt


@transaction.atomic
def begin_exchange(attempt: ConnectAttempt) -> None:
    """Set the state just before the call is sent. An attempt that has ended stays as it is."""
    Connection.objects.select_for_update().get(pk=attempt.connection_id)
    if ConnectAttempt.objects.filter(pk=attempt.pk, state__in=IN_PROGRESS_STATES).update(state=State.EXCHANGING):
        transition_to(attempt.connection, State.EXCHANGING)


@transaction.atomic
def activate_connection(attempt: ConnectAttempt, their_client_id: str, their_client_secret: str) -> None:
    """Store their credentials, which SmartRecruiters sends once, and release the company's held deliveries.

    If the connection was disabled in the meantime, it stays disabled and their credentials are discarded.
    """
    connection = Connection.objects.select_for_update().get(pk=attempt.connection_id)
    client = Client.objects.filter(attempt=attempt, revoked_at=None).first()  # `attempt.client` may be stale
    if client is None:
        _finish_attempt(attempt, State.DISABLED, "disconnected before the exchange was complete")
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
    incidents.close_incidents(connection.company_id, [IncidentKind.COMPANY_TRIES], connection.customer)
    _notify_customer(attempt, Outcome.CONNECTED)


@transaction.atomic
def mark_refused(attempt: ConnectAttempt, reason: str) -> None:
    """Record SmartRecruiters' refusal and delete the attempt's credentials. A live connection stays live."""
    _finish_attempt(attempt, State.REFUSED, reason)
    Client.objects.filter(attempt=attempt).delete()
    transition_to(attempt.connection, State.REFUSED, reason)
    audit.record("connection.refused", attempt.connection.company_id, reason=reason)
    _notify_customer(attempt, Outcome.REFUSED)
    if attempt.consent and attempt.consent.customer and attempt.connection.state != State.LIVE:
        requests.note_vain_try(attempt.connection.company_id, attempt.consent.customer, attempt.consent.user)


def _notify_customer(attempt: ConnectAttempt, outcome: Outcome) -> None:
    """Send an email about an attempt that staff had to confirm: its person has left the page."""
    if attempt.consent and attempt.consent.claim:
        claim_emails.notify_customer(attempt.consent.claim, outcome)


@transaction.atomic
def mark_response_lost(attempt: ConnectAttempt, reason: str) -> None:
    """Record that SmartRecruiters has connected, but that their credentials did not arrive.

    Orders are accepted and results wait. A live connection keeps its credentials. If they no longer work, the next call
    finds out.
    """
    _finish_attempt(attempt, State.NEEDS_RECONNECT, reason)
    if attempt.connection.state != State.LIVE:
        require_reconnect(attempt.connection, reason)


@transaction.atomic
def mark_still_connected(attempt: ConnectAttempt, reason: str) -> None:
    """Record that SmartRecruiters kept the credentials of an earlier connection, and delete those of this attempt.

    Orders are accepted only if the earlier ones were not revoked here: see `Connection.can_receive_orders`.
    """
    _finish_attempt(attempt, State.NEEDS_RECONNECT, reason)
    Client.objects.filter(attempt=attempt).delete()
    require_reconnect(attempt.connection, reason)


@transaction.atomic
def require_reconnect(connection: Connection, reason: str) -> None:
    if transition_to(connection, State.NEEDS_RECONNECT, reason):
        deliveries.hold_stream(connection.stream_name, "The connection needs a reconnect.")
        audit.record("connection.needs_reconnect", connection.company_id, reason=reason)
        emails.notify_reconnect(connection)


@transaction.atomic
def retry_connection(connection: Connection, *, actor: Actor) -> bool:
    """Try their credentials again. Return False without credentials, or if no reconnect is needed."""
    needs_retry = connection.their_client_id and connection.state == State.NEEDS_RECONNECT
    if not needs_retry or not transition_to(connection, State.LIVE):
        return False
    deliveries.release_stream(connection.stream_name)
    audit.record("connection.retried", connection.company_id, actor=actor)
    return True


@transaction.atomic
def disable_connection(connection: Connection, *, actor: Actor = audit.SYSTEM, reason: str = "") -> None:
    """Revoke our credentials and tokens, erase theirs, and hold deliveries for a reconnect. Idempotent."""
    now = timezone.now()
    # A concurrent `activate_connection` has either finished, or waits for this lock and sees the revoked client.
    Connection.objects.select_for_update().get(pk=connection.pk)
    _revoke_clients(connection.clients.values_list("pk", flat=True), now)
    deliveries.cancel_by_key([f"connect:{connection.company_id}"], DISCONNECTED_REASON)
    connection.attempts.filter(state__in=IN_PROGRESS_STATES).update(
        state=State.DISABLED, reason=DISCONNECTED_REASON, client_secret_sealed="", finished_at=now
    )
    erased = {"their_client_id": "", "their_client_secret_sealed": "", "access_token_sealed": ""}
    if not transition_to(connection, State.DISABLED, reason, disabled_at=now, **erased):
        return
    deliveries.hold_stream(connection.stream_name, "The company was disconnected.")
    if connection.connected_at is not None:
        events.record_connection_event(EventType.CONNECTION_DISABLED, connection)
    audit.record("connection.disabled", connection.company_id, actor=actor, why=reason)


@transaction.atomic
def release_connection(connection: Connection, *, actor: Actor = audit.SYSTEM, reason: str) -> None:
    """End the connection for good, so that another customer can connect the company.

    Its orders stay with its customer. What SmartRecruiters does not know yet, it never learns: it would show another
    customer's results.
    """
    disable_connection(connection, actor=actor, reason=reason)
    Connection.objects.filter(pk=connection.pk).update(released_at=timezone.now(), reason=reason)
    deliveries.hold_stream(connection.stream_name, "The company was given to another customer.")
    deliveries.cancel_stream(connection.stream_name, RELEASED_REASON)
    audit.record("connection.released", connection.company_id, actor=actor, customer=connection.customer_id)
    connection.refresh_from_db()


def _finish_attempt(attempt: ConnectAttempt, state: str, reason: str = "") -> None:
    ConnectAttempt.objects.filter(pk=attempt.pk).update(
        state=state, reason=reason[:500], client_secret_sealed="", finished_at=timezone.now()
    )
    attempt.refresh_from_db()


def _revoke_clients(client_pks: object, now: datetime) -> None:
    Client.objects.filter(Q(pk__in=client_pks), revoked_at=None).update(revoked_at=now)
    get_access_token_model().objects.filter(application__in=client_pks).delete()
