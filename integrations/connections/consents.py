"""Consent records: ownership by browser session, the wording shown, and the progress of the connect attempt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from integrations.http.ip_addresses import get_client_network
from integrations.models import ConnectAttempt, ConnectionState, Consent, DisplayMode, PartnerConfiguration
from integrations.outbox.models import Delivery, DeliveryState
from integrations.rate_limits import RateLimit

SESSION_KEY = "consents"
POPUP_KEY = "popup_until"
MAX_REMEMBERED = 10
KEPT_FOR = timedelta(hours=1)  # an undecided consent, after it expired
# A visit is a row and, of a stranger, a session. A person counts apart, so that no stranger can use up their visits.
VISITS = RateLimit("consent-visits", 200, 600)


class TooManyVisitsError(Exception):
    """The person, or the network of a stranger, has opened too many consents."""


def start_consent(request: HttpRequest, *, company_id: str, mode: DisplayMode, redirect: str) -> Consent:
    """Create the record that all later steps read. It belongs to this browser session. Raises TooManyVisitsError."""
    is_stranger = isinstance(request.user, AnonymousUser)
    visitor = get_client_network(request) if is_stranger else f"user {request.user.pk}"
    if VISITS.get_retry_after(visitor):
        raise TooManyVisitsError
    VISITS.count(visitor)
    consent = Consent.objects.create(company_id=company_id, mode=mode, redirect=redirect)
    remember_consent(request, consent)
    return consent


def remember_consent(request: HttpRequest, consent: Consent) -> None:
    keys = [*request.session.get(SESSION_KEY, []), consent.key]
    request.session[SESSION_KEY] = keys[-MAX_REMEMBERED:]
    if consent.mode == DisplayMode.POPUP and PartnerConfiguration.load().opens_popup:
        request.session[POPUP_KEY] = consent.expires_at.timestamp()


def has_open_popup(request: HttpRequest) -> bool:
    """Return True if this session opened a consent page that may be framed within the last ten minutes."""
    return float(request.session.get(POPUP_KEY, 0)) > timezone.now().timestamp()


def is_owned(request: HttpRequest, consent: Consent) -> bool:
    """Return True for the session that opened the consent, and for the user that decided it."""
    is_decider = consent.user_id is not None and consent.user_id == request.user.pk
    return is_decider or consent.key in request.session.get(SESSION_KEY, [])


def build_entry_url(consent: Consent) -> str:
    """Return the URL that starts the same request anew, in another window for example."""
    query = {"companyId": consent.company_id} | ({"redirect": consent.redirect} if consent.redirect else {})
    return f"{settings.PUBLIC_URL}{reverse('consent_begin')}?{urlencode(query)}"


def find_by_page(path: str) -> Consent | None:
    """Return the consent to which a page of its flow belongs."""
    try:
        page = resolve(path)
    except Resolver404:
        return None
    is_consent = page.url_name is not None and page.url_name.startswith("consent")
    return Consent.objects.filter(key=page.kwargs["key"]).first() if is_consent and "key" in page.kwargs else None


def delete_abandoned() -> None:
    """Delete consents that were never decided."""
    Consent.objects.filter(decision="", expires_at__lt=timezone.now() - KEPT_FOR).delete()


@dataclass(frozen=True)
class Wording:
    """The sentences of the consent page. `str()` is the text stored in the record of consent."""

    allowed: list[str]
    not_allowed: list[str]

    @classmethod
    def from_configuration(cls, configuration: PartnerConfiguration) -> "Wording":
        return cls(_split_lines(configuration.consent_scope), _split_lines(configuration.consent_limits))

    @property
    def version(self) -> str:
        return hashlib.sha256(str(self).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        allowed, not_allowed = ([f"- {line}" for line in lines] for lines in (self.allowed, self.not_allowed))
        return "\n".join(["They may:", *allowed, "They may not:", *not_allowed])


def record_wording(consent: Consent) -> Wording:
    """Return the current wording and store it in an undecided consent, since it is about to be shown."""
    wording = Wording.from_configuration(PartnerConfiguration.load())
    shown = {"wording": str(wording), "wording_version": wording.version}
    Consent.objects.filter(pk=consent.pk, decision="").exclude(**shown).update(**shown)
    return wording


def _split_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


class ExchangeStatus:
    """Progress of an attempt's exchange of credentials, for people. `status` is that of the last answer."""

    def __init__(self, attempt: ConnectAttempt, delivery: Delivery | None) -> None:
        self.connection, self.state, self.reason = attempt.connection, attempt.state, attempt.reason
        finished = [call for call in delivery.attempts.all() if call.outcome] if delivery else []
        self.status = finished[0].status if finished else None
        self.attempt_count = len(finished)
        is_pending = delivery is not None and delivery.state == DeliveryState.PENDING
        self.is_paused = is_pending and delivery is not None and delivery.stream.is_paused
        self.next_at = delivery.next_attempt_at if delivery and is_pending and (finished or self.is_paused) else None
        self.can_retry_now = is_pending and delivery is not None and delivery.failures > 0 and not self.is_paused
        self.is_held = delivery is not None and delivery.state in (DeliveryState.HELD, DeliveryState.FAILED)
        self.held_reason = delivery.reason if delivery and self.is_held else ""

    @property
    def is_in_progress(self) -> bool:
        return self.state in (ConnectionState.APPROVED, ConnectionState.EXCHANGING)

    @property
    def is_stuck(self) -> bool:
        """Return True if the delivery is on hold, or if it waits after a failure or for the end of a pause."""
        return self.is_in_progress and (self.is_held or self.is_paused or self.attempt_count > 0)

    @property
    def was_refused(self) -> bool:
        """Return True if SmartRecruiters refused to connect, rather than having given no usable answer."""
        is_refusal = self.status is not None and 400 <= self.status < 500
        return self.state == ConnectionState.REFUSED and is_refusal

    @property
    def page_name(self) -> str:
        if self.is_in_progress:
            return "working"
        if self.state == ConnectionState.REFUSED:
            pages = {403: "no_consent", 404: "no_configuration", 409: "already_connected"}
            return pages.get(self.status or 0, "refused")
        if self.state == ConnectionState.NEEDS_RECONNECT:
            return "already_connected" if self.status == 409 else "answer_lost"
        is_done = self.state == self.connection.state == ConnectionState.LIVE
        return "done" if is_done else "ended"


def get_exchange_delivery(attempt: ConnectAttempt) -> Delivery | None:
    return _exchange_deliveries([attempt]).get(attempt.pk)


def load_exchanges(attempts: Sequence[ConnectAttempt]) -> dict[int, ExchangeStatus]:
    """Return the progress of each attempt by primary key, in a fixed number of queries."""
    sent = _exchange_deliveries(attempts) if attempts else {}
    return {attempt.pk: ExchangeStatus(attempt, sent.get(attempt.pk)) for attempt in attempts}


def _exchange_deliveries(attempts: Sequence[ConnectAttempt]) -> dict[int, Delivery]:
    companies = {attempt.connection.company_id for attempt in attempts}
    exchanges = Delivery.objects.filter(kind="exchange", subject__in=companies).select_related("stream")
    wanted = exchanges.filter(payload__attempt__in=[attempt.pk for attempt in attempts]).prefetch_related("attempts")
    return {delivery.payload["attempt"]: delivery for delivery in wanted.order_by("pk")}
