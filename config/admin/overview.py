"""Overview: staff's first page, with open issues, charts and the setup checklist."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.admin.utils import quote
from django.db.models import Count, Min, Model, Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import get_text_list

from config.admin import charts, setup_checklist, stream_labels
from config.admin.setup_checklist import changelist_url
from config.monitoring import degradations
from config.monitoring.degradations import Heartbeats
from integrations import mail
from integrations.accounts import login_throttle
from integrations.connections.claims.ownership import find_owner
from integrations.models import (
    ClaimState,
    CompanyClaim,
    Connection,
    ConnectionState,
    Incident,
    IncidentKind,
    Webhook,
)
from integrations.outbox import clock, statistics
from integrations.outbox.deliveries import HELD_BY_STAFF
from integrations.outbox.handlers import get_handler_of_kind
from integrations.outbox.models import Delivery, DeliveryState, Ending, Stream
from integrations.outbox.sending.failure_messages import translate_reason
from integrations.outbox.statistics import DailyLag, DueDeliveries, StuckDeliveries
from integrations.staff.display import format_count
from orders.models import Reconciliation, Status
from orders.statistics import DailyOrders, count_daily_orders

M = TypeVar("M", bound=Model)
MAX_GAPS = 50
MAX_REASONS = 8
MAX_CONNECTIONS = 10
MAX_CLAIMS = MAX_INCIDENTS = 20
MAX_STREAMS = MAX_WEBHOOKS = 10


@dataclass(frozen=True)
class Issue:
    """An open issue that needs attention, with a link to the page that fixes it.

    With `action_url`, a button does so at once, for administrators.
    """

    message: str
    url: str
    link_text: str
    state: str
    count: int = 1
    since: datetime | None = None
    action_url: str = ""
    action_text: str = ""


def build_overview() -> dict[str, Any]:
    steps = setup_checklist.list_steps()
    stuck, due = statistics.list_stuck_deliveries(), statistics.summarize_due()
    backlog = summarize_backlog(stuck)
    heartbeats = degradations.load_heartbeats()
    days = count_daily_orders()
    lags = statistics.measure_lags()
    return {
        "issues": list_issues(stuck, due, heartbeats),
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "is_set_up": all(step.is_done for step in steps),
        "status_counts": count_by_status(days),
        "days": days,
        "orders_plot": charts.build_stacked_chart(days),
        "orders_title": _describe_orders(days),
        "lags": [
            (lag.day, charts.format_duration(lag.median), charts.format_duration(lag.p95), lag.results) for lag in lags
        ],
        "lag_plot": charts.build_line_chart(lags, statistics.list_days()) if lags else None,
        "lag_title": _describe_lags(lags, statistics.count_undelivered()),
        "failures": summarize_failures(stuck),
        "is_queue_empty": not (due.since or backlog.has_deliveries or statistics.has_unsent()),
        "backlog": backlog,
        "oldest_due": due.since,
        "last_heartbeat": heartbeats.worker_at,
    }


def _describe_orders(days: list[DailyOrders]) -> str:
    total, done = sum(day.total for day in days), sum(day.counts[Status.COMPLETED] for day in days)
    if not total:
        return f"No orders in {len(days)} days"
    return f"{format_count(total, 'order')} in {len(days)} days, {done:,} completed"


def _describe_lags(lags: list[DailyLag], undelivered_count: int) -> str:
    # Without the undelivered results, the fast ones would hide a problem.
    undelivered = f"; {undelivered_count:,} not delivered yet" if undelivered_count else ""
    if not lags:
        return f"No results reached SmartRecruiters in {statistics.DAYS_SHOWN} days{undelivered}"
    newest = lags[-1]
    day = "today" if newest.day == statistics.list_days()[-1] else f"on {date_format(newest.day, 'j F')}"
    median, p95 = charts.format_duration(newest.median), charts.format_duration(newest.p95)
    if newest.results == 1:
        return f"The one result {day} reached SmartRecruiters in {p95}{undelivered}"
    return f"Half of the results {day} reached SmartRecruiters within {median}, 95 % within {p95}{undelivered}"


@dataclass(frozen=True)
class FailureReason:
    reason: str
    count: int
    share: int
    url: str


@dataclass(frozen=True)
class FailureSummary:
    title: str
    reasons: list[FailureReason]
    other_count: int


def summarize_failures(stuck: list[StuckDeliveries]) -> FailureSummary:
    """Count the stuck and retried deliveries by reason."""
    counts: Counter[str] = Counter()
    urls: dict[str, str] = {}
    for each in stuck:
        reason = _reason_text(each) or f"{get_handler_of_kind(each.kind).label}: reason unknown"
        counts[reason] += each.count
        urls.setdefault(reason, changelist_url("outbox_delivery", state__exact=each.state, kind=each.kind))
    total = counts.total()
    shown = counts.most_common(MAX_REASONS)
    reasons = [
        FailureReason(reason, count, max(1, round(100 * count / total)), urls[reason]) for reason, count in shown
    ]
    return FailureSummary(_describe_failures(stuck), reasons, total - sum(count for _, count in shown))


def _describe_failures(stuck: list[StuckDeliveries]) -> str:
    """Return the title: a delivery on hold has not failed."""
    held = sum(each.count for each in stuck if each.state == DeliveryState.HELD)
    failing = sum(each.count for each in stuck) - held
    parts = [format_count(failing, "delivery is failing", "deliveries are failing")] if failing else []
    if held:
        parts.append(
            f"{held:,} on hold" if failing else format_count(held, "delivery is on hold", "deliveries are on hold")
        )
    return ", ".join(parts) or "No deliveries are failing"


@dataclass(frozen=True)
class RetryBacklog:
    """Deliveries that continue without staff: retried automatically, or on hold until the cause is fixed."""

    retrying_count: int
    next_at: datetime | None
    held_count: int

    @property
    def has_deliveries(self) -> bool:
        return bool(self.retrying_count or self.held_count)

    @property
    def is_due(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()


def summarize_backlog(stuck: list[StuckDeliveries]) -> RetryBacklog:
    waiting = [each for each in stuck if each.state == DeliveryState.PENDING]
    return RetryBacklog(
        retrying_count=sum(each.count for each in waiting),
        next_at=min((each.next_at for each in waiting if each.next_at), default=None),
        held_count=sum(each.count for each in stuck if each.state == DeliveryState.HELD),
    )


def _reason_text(stuck: StuckDeliveries) -> str:
    return translate_reason(stuck.reason, get_handler_of_kind(stuck.kind))


def list_issues(
    stuck: list[StuckDeliveries] | None = None,
    due: DueDeliveries | None = None,
    heartbeats: Heartbeats | None = None,
) -> list[Issue]:
    """Return the open issues, the most serious first, with a limit for each kind."""
    stuck = statistics.list_stuck_deliveries() if stuck is None else stuck
    heartbeats = heartbeats or degradations.load_heartbeats()
    return [
        *_degradation_issues(heartbeats),
        *_sign_in_issues(),
        *_reconciliation_issues(),
        *_claim_issues(),
        *_incident_issues(),
        *_connection_issues(),
        *_stream_issues(),
        *_pause_issues(),
        *_webhook_issues(),
        *_delivery_issues(stuck),
        *_email_issues(),
        *_overdue_issues(due or statistics.summarize_due(), heartbeats),
    ]


def _take(rows: QuerySet[M], limit: int) -> tuple[list[M], int]:
    """Return the first rows, and how many more there are, which is counted only if there are more."""
    first = list(rows[: limit + 1])
    return first[:limit], rows.count() - limit if len(first) > limit else 0


def _rest_issues(count: int, message: str, url: str, state: str) -> list[Issue]:
    """Return an issue for the `count` rows that are not shown, if there are any, with a link to the full list."""
    return [Issue(message=message, count=count, url=url, link_text="View all", state=state)] if count else []


def _claim_issues() -> Iterable[Issue]:
    """Yield an issue for each request to connect that waits for staff, the oldest first."""
    waiting = list(
        CompanyClaim.objects.filter(state=ClaimState.WAITING, customer__is_active=True).select_related("customer")
    )
    names: dict[str, list[str]] = {}
    for claim in waiting:
        names.setdefault(claim.company_id.lower(), []).append(str(claim.customer))
    for claim in sorted(waiting, key=lambda claim: (claim.requested_at, claim.pk))[:MAX_CLAIMS]:
        rivals = [name for name in names[claim.company_id.lower()] if name != str(claim.customer)]
        verb = "claims" if len(rivals) == 1 else "claim"
        clash = f" {get_text_list(rivals, 'and')} {verb} it, too: find out whose it is." if rivals else ""
        yield Issue(
            message=f"{claim.customer} asks to connect the company {claim.company_id}.{clash}",
            since=claim.requested_at,
            url=reverse("admin:integrations_companyclaim_change", args=[quote(claim.pk)]),
            link_text="View details",
            state=claim.state,
            action_url=reverse("admin:integrations_companyclaim_act", args=[quote(claim.pk), "confirm"]),
            action_text=f"Confirm for {claim.customer}",
        )
    url = changelist_url("integrations_companyclaim", state__exact=ClaimState.WAITING)
    rest = len(waiting[MAX_CLAIMS:])
    yield from _rest_issues(rest, "More customers ask to connect a company.", url, ClaimState.WAITING)


def _incident_issues() -> Iterable[Issue]:
    """Yield an issue for each open incident, the newest first."""
    opened = Incident.objects.filter(closed_at=None).select_related("customer")
    shown, rest = _take(opened, MAX_INCIDENTS)
    for incident in shown:
        yield Issue(
            message=_describe_incident(incident),
            since=incident.first_at,
            url=reverse("admin:integrations_incident_change", args=[quote(incident.pk)]),
            link_text="View details",
            state="open",
            action_url=reverse("admin:integrations_incident_act", args=[quote(incident.pk), "close"]),
            action_text="Close",
        )
    url = changelist_url("integrations_incident", state="open")
    yield from _rest_issues(rest, "More incidents are open.", url, "open")


def _describe_incident(incident: Incident) -> str:
    if incident.kind == IncidentKind.COMPANY_TRIES:
        return f"{incident.customer} tried {incident.count} times in vain to connect the company {incident.subject}."
    owner = find_owner(incident.subject)
    whose = f"belongs to {owner}" if owner and owner != incident.customer else "another customer claims, too"
    return f"{incident.customer} tried to connect the company {incident.subject}, which {whose}."


def _connection_issues() -> Iterable[Issue]:
    broken = Connection.objects.filter(state=ConnectionState.NEEDS_RECONNECT).select_related("customer")
    shown, rest = _take(broken.order_by("updated_at"), MAX_CONNECTIONS)
    for connection in shown:
        yield Issue(
            message=f"{connection.customer} ({connection.company_id}) must reconnect. {connection.reason}",
            since=connection.updated_at,
            url=reverse("admin:integrations_connection_change", args=[quote(connection.pk)]),
            link_text="View details",
            state=connection.state,
        )
    state = ConnectionState.NEEDS_RECONNECT
    url = changelist_url("integrations_connection", state__exact=state)
    yield from _rest_issues(rest, "More customers must reconnect.", url, state)


def _stream_issues() -> Iterable[Issue]:
    """Yield an issue for each stream that staff put on hold, or that belongs to no connection, such as email."""
    is_shown = ~Q(name__contains=":") | Q(held_reason=HELD_BY_STAFF)
    held = Stream.objects.exclude(held_reason="").filter(is_shown).order_by("pk")
    shown, rest = _take(held, MAX_STREAMS)
    labels = stream_labels.label_streams([stream.name for stream in shown])
    for stream in shown:
        yield Issue(
            message=f"Deliveries of “{labels[stream.name].label}” are on hold. {stream.held_reason}",
            url=reverse("admin:outbox_stream_change", args=[stream.pk]),
            link_text="View details",
            state=DeliveryState.HELD,
        )
    url = changelist_url("outbox_stream", state="held")
    yield from _rest_issues(rest, "More queues are on hold.", url, DeliveryState.HELD)


def _pause_issues() -> Iterable[Issue]:
    """Yield an issue for each of the first paused streams with its cause, and one for the rest."""
    paused: list[Any] = statistics.list_paused_streams()
    shown = paused[:MAX_STREAMS]
    labels = stream_labels.label_streams([stream.name for stream in shown])
    for stream in shown:
        waiting = format_count(stream.waiting_count, "delivery waits", "deliveries wait")
        yield Issue(
            message=f"{waiting} for “{labels[stream.name].label}”. {stream.pause_reason}".rstrip(". ") + ".",
            since=stream.paused_since,
            url=reverse("admin:outbox_stream_change", args=[stream.pk]),
            link_text="View details",
            state=DeliveryState.PENDING,
        )
    url = changelist_url("outbox_stream", state="paused")
    yield from _rest_issues(len(paused[MAX_STREAMS:]), "More queues are paused.", url, DeliveryState.PENDING)


def _webhook_issues() -> Iterable[Issue]:
    disabled = Webhook.objects.exclude(disabled_reason="").select_related("client").order_by("pk")
    shown, rest = _take(disabled, MAX_WEBHOOKS)
    for webhook in shown:
        yield Issue(
            message=f"The endpoint {webhook.url} of “{webhook.client}” is disabled. {webhook.disabled_reason}",
            url=reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)]),
            link_text="View and enable",
            state=DeliveryState.HELD,
        )
    url = changelist_url("integrations_webhook", state="disabled")
    yield from _rest_issues(rest, "More endpoints are disabled.", url, DeliveryState.HELD)


def _sign_in_issues() -> Iterable[Issue]:
    """Yield an issue while sign-ins fail at a rate that suggests password guessing."""
    if failed := login_throttle.find_alarm():
        yield Issue(
            message=f"Sign-ins failed on {format_count(failed.accounts, 'account')} from "
            f"{format_count(failed.ips, 'IP address', 'IP addresses')} in the last hour. Somebody may be guessing "
            "passwords. Accounts are protected by a growing delay; a second factor protects them for good.",
            count=failed.count,
            since=failed.since,
            url=changelist_url("integrations_auditentry", action="sign_in.failed"),
            link_text="View attempts",
            state=DeliveryState.FAILED,
        )


def _reconciliation_issues() -> Iterable[Issue]:
    """Yield an issue for results that only the hourly reconciliation misses."""
    last = Reconciliation.objects.first()
    if last is not None and last.gap:
        yield Issue(
            message="Reported results are neither at SmartRecruiters nor being delivered",
            count=last.gap,
            since=last.at,
            url=changelist_url("orders_order", id__in=",".join(list(last.gaps)[:MAX_GAPS])),
            link_text="View orders",
            state=DeliveryState.FAILED,
        )


def _degradation_issues(heartbeats: Heartbeats) -> Iterable[Issue]:
    for each in degradations.list_degradations(heartbeats):
        yield Issue(
            message=each.message,
            since=each.since,
            url=changelist_url("outbox_stream"),
            link_text="View deliveries",
            state=DeliveryState.HELD,
        )


def _delivery_issues(stuck: list[StuckDeliveries]) -> Iterable[Issue]:
    """Yield an issue for each group of failed or uncertain deliveries. One delivery of an order links to the order."""
    needing = [each for each in stuck if each.state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)]
    for each in needing[:MAX_REASONS]:
        outcome = "failed" if each.state == DeliveryState.FAILED else "may or may not have been sent"
        reason = _reason_text(each)
        has_order = each.count == 1 and each.subject.startswith("ord_")
        # The id of a company, where it is one delivery.
        about = f" for {each.subject}" if each.count == 1 and each.subject and not has_order else ""
        yield Issue(
            message=f"{get_handler_of_kind(each.kind).label}{about} {outcome}" + (f": {reason}" if reason else ""),
            count=each.count,
            since=each.since,
            url=reverse("admin:orders_order_change", args=[quote(each.subject)])
            if has_order
            else changelist_url("outbox_delivery", state__exact=each.state, kind=each.kind),
            link_text="View order" if has_order else "View and resolve",
            state=each.state,
        )
    rest = sum(each.count for each in needing[MAX_REASONS:])
    url = changelist_url("outbox_delivery", needs="hand")
    yield from _rest_issues(rest, "More deliveries failed, or may not have been sent.", url, DeliveryState.FAILED)


def _email_issues() -> Iterable[Issue]:
    """Yield an issue for the emails that were not sent, as long as there is no mail server."""
    if mail.is_email_enabled():
        return
    unsent = Delivery.objects.filter(ending=Ending.NOT_SENT)
    figures = unsent.aggregate(count=Count("pk"), since=Min("finished_at"))
    if figures["count"]:
        yield Issue(
            message="Emails were not sent: no mail server is set (EMAIL_URL)",
            url=changelist_url("outbox_delivery", ending__exact=Ending.NOT_SENT),
            link_text="View emails",
            state=Ending.NOT_SENT,
            **figures,
        )


def _overdue_issues(due: DueDeliveries, heartbeats: Heartbeats) -> Iterable[Issue]:
    if due.overdue_count:
        yield Issue(
            message=f"Deliveries are overdue{degradations.explain_overdue(heartbeats)}",
            count=due.overdue_count,
            since=due.overdue_since,
            url=changelist_url("outbox_delivery", state__exact=DeliveryState.PENDING),
            link_text="View deliveries",
            state=DeliveryState.PENDING,
        )


def count_by_status(days: list[DailyOrders]) -> list[dict[str, Any]]:
    return [
        {
            "status": status,
            "count": sum(day.counts[status] for day in days),
            "url": changelist_url("orders_order", status=status),
        }
        for status in Status.values
    ]
