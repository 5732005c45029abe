"""Visits of the consent page: whose they are, what they show, how their try to connect stands."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone

from integrations.models import ConnectAttempt, Connection, ConnectionState, Consent, DisplayMode, PartnerConfiguration
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState

SESSION_KEY = "consents"
POPUP_KEY = "popup_until"
MAX_REMEMBERED = 10


def start_consent(request: HttpRequest, *, company_id: str, mode: DisplayMode, redirect: str) -> Consent:
    """The record that all later steps read. It belongs to this browser session."""
    consent = Consent.objects.create(company_id=company_id, mode=mode, redirect=redirect)
    remember_consent(request, consent)
    return consent


def remember_consent(request: HttpRequest, consent: Consent) -> None:
    keys = [*request.session.get(SESSION_KEY, []), consent.key]
    request.session[SESSION_KEY] = keys[-MAX_REMEMBERED:]
    if consent.mode == DisplayMode.POPUP:
        request.session[POPUP_KEY] = consent.expires_at.timestamp()


def has_open_popup(request: HttpRequest) -> bool:
    """Did this session open a consent page in POPUP mode within the last ten minutes?"""
    return float(request.session.get(POPUP_KEY, 0)) > timezone.now().timestamp()


def is_owned(request: HttpRequest, consent: Consent) -> bool:
    """Only the session that opened it may answer it, and whoever answered it may see what became of it."""
    if consent.key in request.session.get(SESSION_KEY, []):
        return True
    return consent.user_id is not None and consent.user_id == request.user.pk


def is_expired(consent: Consent) -> bool:
    return not consent.decision and consent.expires_at <= timezone.now()


def delete_abandoned() -> None:
    """Visits that nobody answered are no record of anything."""
    Consent.objects.filter(decision="", expires_at__lt=timezone.now() - timedelta(days=1)).delete()


@dataclass(frozen=True)
class Wording:
    """The sentences of the consent page; as text they are kept in the record of consent."""

    allowed: list[str]
    not_allowed: list[str]

    @classmethod
    def from_configuration(cls, configuration: PartnerConfiguration) -> "Wording":
        return cls(_split_lines(configuration.consent_scope), _split_lines(configuration.consent_limits))

    @property
    def version(self) -> str:
        """The same for the same sentences."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return "\n".join(
            [
                "They may:",
                *(f"- {line}" for line in self.allowed),
                "They may not:",
                *(f"- {line}" for line in self.not_allowed),
            ]
        )


def record_wording(consent: Consent) -> Wording:
    """The sentences as they are now; the record has what was shown last, so that it is what the person answered."""
    wording = Wording.from_configuration(PartnerConfiguration.load())
    shown = {"wording": str(wording), "wording_version": wording.version}
    Consent.objects.filter(pk=consent.pk, decision="").exclude(**shown).update(**shown)
    return wording


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@dataclass(frozen=True)
class ExchangeStatus:
    """How far the exchange of credentials of one try is, in terms of what its page says."""

    state: str
    reason: str
    status: int | None
    attempt_count: int
    next_at: datetime | None
    is_held: bool
    connection: Connection

    @property
    def is_in_progress(self) -> bool:
        return self.state in (ConnectionState.APPROVED, ConnectionState.EXCHANGING)

    @property
    def is_stuck(self) -> bool:
        """A first answer did not come; the next try has its time."""
        return self.is_in_progress and (self.is_held or self.attempt_count > 0)

    @property
    def page_name(self) -> str:
        """The name of the page that says it."""
        if self.is_in_progress:
            return "working"
        if self.state == ConnectionState.REFUSED:
            pages = {403: "no_consent", 404: "no_configuration", 409: "already_connected"}
            return pages.get(self.status or 0, "refused")
        if self.state == ConnectionState.NEEDS_RECONNECT:
            return "already_connected" if self.status == 409 else "answer_lost"
        return {ConnectionState.LIVE: "done"}.get(ConnectionState(self.state), "ended")


def get_exchange_delivery(attempt: ConnectAttempt) -> Delivery | None:
    """The one that exchanges the credentials of this try."""
    of_company = Delivery.objects.filter(kind="exchange", subject=attempt.connection.company_id)
    return of_company.filter(payload__attempt=attempt.pk).prefetch_related("attempts").first()


def retry_now(attempt: ConnectAttempt) -> None:
    """Somebody looks at the page and does not want to wait for the next try."""
    if (delivery := get_exchange_delivery(attempt)) is not None:
        deliveries.retry_now(delivery)


def get_exchange_status(attempt: ConnectAttempt) -> ExchangeStatus:
    connection, delivery = attempt.connection, get_exchange_delivery(attempt)
    tries = list(delivery.attempts.all()) if delivery else []
    is_waiting = delivery is not None and delivery.state == DeliveryState.PENDING
    return ExchangeStatus(
        state=attempt.state,
        reason=attempt.reason,
        status=next((one.status for one in tries if one.outcome), None),
        attempt_count=sum(1 for one in tries if one.outcome),
        next_at=delivery.due_at if delivery and is_waiting and tries else None,
        is_held=delivery is not None and delivery.state in (DeliveryState.HELD, DeliveryState.FAILED),
        connection=connection,
    )
