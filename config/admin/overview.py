"""What staff see first: what needs a hand, how it goes, and what an empty portal still lacks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import quote
from django.db.models import Count, Min, Q, Window
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode

from config.admin import charts, setup_checklist, statistics, stream_labels
from config.monitoring import degradations
from config.monitoring.degradations import Heartbeats
from integrations.models import Connection, ConnectionState, Webhook
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.staff.display import format_count
from orders import timeline
from orders.models import Reconciliation, Status

OVERDUE_AFTER = timedelta(minutes=5)
MAX_GAPS = 50
MAX_REASONS = 8
MAX_CONNECTIONS = 10


@dataclass(frozen=True)
class Issue:
    """Something that needs a hand: what, how much of it, since when, and where it is mended."""

    message: str
    count: int
    since: datetime | None
    url: str
    link_text: str
    state: str


def build_overview() -> dict[str, Any]:
    steps = setup_checklist.list_steps()
    stuck, due, beats = statistics.list_stuck_deliveries(), summarize_due(), degradations.load_heartbeats()
    days = statistics.count_daily_orders()
    lags = statistics.measure_lags()
    return {
        "issues": list_issues(stuck, due, beats),
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
        "backlog": summarize_backlog(stuck),
        "oldest_due": due.since,
        "last_heartbeat": beats.worker_at,
    }


def _describe_orders(days: list[statistics.DailyOrders]) -> str:
    """The plot's title: its answer."""
    total, done = sum(day.total for day in days), sum(day.counts[Status.COMPLETED] for day in days)
    if not total:
        return f"No order in {len(days)} days"
    return f"{format_count(total, 'order')} in {len(days)} days, {done:,} completed"


def _describe_lags(lags: list[statistics.DailyLag], undelivered_count: int) -> str:
    """What has not arrived is said, too: else the quick ones would speak for all."""
    behind = f"; {format_count(undelivered_count, 'has', 'have')} not arrived" if undelivered_count else ""
    return _describe_arrivals(lags) + behind


def _describe_arrivals(lags: list[statistics.DailyLag]) -> str:
    if not lags:
        return f"No result went to SmartRecruiters in {statistics.DAYS_SHOWN} days"
    newest = lags[-1]
    day = "today" if newest.day == statistics.list_days()[-1] else f"on {date_format(newest.day, 'j F')}"
    if newest.results == 1:
        return f"The one result {day} reached SmartRecruiters within {charts.format_duration(newest.p95)}"
    return f"Results {day} reached SmartRecruiters in {charts.format_duration(newest.median)}, 95 % within {charts.format_duration(newest.p95)}"


@dataclass(frozen=True)
class FailureReason:
    """One reason why deliveries do not arrive, and how much of all the failures it is, in percent."""

    reason: str
    count: int
    share: int
    url: str


@dataclass(frozen=True)
class FailureSummary:
    title: str
    reasons: list[FailureReason]
    other_count: int


def summarize_failures(stuck: list[statistics.StuckDeliveries]) -> FailureSummary:
    """All that stands still or waits after a failure, by reason in words."""
    counts: Counter[str] = Counter()
    urls: dict[str, str] = {}
    for each in stuck:
        reason = statistics.get_reason_text(each) or f"{timeline.kind_label(each.kind)}: no reason was kept"
        counts[reason] += each.count
        urls.setdefault(reason, changelist_url("outbox_delivery", state__exact=each.state, kind=each.kind))
    total = counts.total()
    shown = counts.most_common(MAX_REASONS)
    reasons = [
        FailureReason(reason, count, max(1, round(100 * count / total)), urls[reason]) for reason, count in shown
    ]
    said = f"{format_count(total, 'delivery does', 'deliveries do')} not get through" if total else "Nothing fails now"
    return FailureSummary(said, reasons, total - sum(count for _, count in shown))


@dataclass(frozen=True)
class RetryBacklog:
    """What goes on without a hand: tried again by itself, or held until its way is open."""

    retrying_count: int
    next_at: datetime | None
    held_count: int

    @property
    def has_deliveries(self) -> bool:
        return bool(self.retrying_count or self.held_count)

    @property
    def is_due(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()


def summarize_backlog(stuck: list[statistics.StuckDeliveries]) -> RetryBacklog:
    waiting = [each for each in stuck if each.state == DeliveryState.PENDING]
    return RetryBacklog(
        retrying_count=sum(each.count for each in waiting),
        next_at=min((each.next_at for each in waiting if each.next_at), default=None),
        held_count=sum(each.count for each in stuck if each.state == DeliveryState.HELD),
    )


def changelist_url(model: str, **query: str) -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{urlencode(query)}" if query else "")


def list_issues(
    stuck: list[statistics.StuckDeliveries] | None = None,
    due: "DueDeliveries | None" = None,
    heartbeats: Heartbeats | None = None,
) -> list[Issue]:
    """What needs a hand, the gravest first. Of nothing more rows than people read."""
    stuck = statistics.list_stuck_deliveries() if stuck is None else stuck
    due = due or summarize_due()
    return [
        *_degradation_issues(heartbeats or degradations.load_heartbeats()),
        *_reconciliation_issues(),
        *_connection_issues(),
        *_stream_issues(),
        *_webhook_issues(),
        *_delivery_issues(stuck),
        *_overdue_issues(due),
    ]


def _connection_issues() -> Iterable[Issue]:
    """Each by name; where there are many, the rest as one."""
    broken = Connection.objects.filter(state=ConnectionState.NEEDS_RECONNECT).select_related("customer")
    found = list(broken.annotate(of=Window(Count("pk"))).order_by("updated_at")[:MAX_CONNECTIONS])
    for connection in found:
        yield Issue(
            message=f"{connection.customer} ({connection.company_id}) needs a reconnect. {connection.reason}",
            count=1,
            since=connection.updated_at,
            url=reverse("admin:integrations_connection_change", args=[quote(connection.pk)]),
            link_text="See what to do",
            state=connection.state,
        )
    if found and (more := found[0].of - len(found)):  # type: ignore[attr-defined]
        yield Issue(
            message="More connections need a reconnect.",
            count=more,
            since=None,
            url=changelist_url("integrations_connection", state__exact=ConnectionState.NEEDS_RECONNECT),
            link_text="See them all",
            state=ConnectionState.NEEDS_RECONNECT,
        )


def _stream_issues() -> Iterable[Issue]:
    """Held streams that belong to no connection: the master pair's, e-mail's."""
    for stream in Stream.objects.exclude(held_reason="").exclude(name__contains=":"):
        yield Issue(
            message=f"Nothing of “{stream_labels.label_streams([stream.name])[stream.name].label}” is sent. {stream.held_reason}",
            count=1,
            since=None,
            url=reverse("admin:outbox_stream_change", args=[stream.pk]),
            link_text="See what to do",
            state=DeliveryState.HELD,
        )


def _webhook_issues() -> Iterable[Issue]:
    for webhook in Webhook.objects.exclude(disabled_reason="").select_related("client"):
        yield Issue(
            message=f"The endpoint {webhook.url} of “{webhook.client.name}” is off. {webhook.disabled_reason}",
            count=1,
            since=webhook.last_success_at,
            url=reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)]),
            link_text="See and switch on",
            state=DeliveryState.HELD,
        )


def _reconciliation_issues() -> Iterable[Issue]:
    """What the hourly comparison found that nothing else shows."""
    last = Reconciliation.objects.first()
    if last is not None and last.gap:
        yield Issue(
            message="Results were reported, and are neither in SmartRecruiters nor on their way",
            count=last.gap,
            since=last.at,
            url=changelist_url("orders_order", id__in=",".join(list(last.gaps)[:MAX_GAPS])),
            link_text="See the orders",
            state=DeliveryState.FAILED,
        )


def _degradation_issues(heartbeats: Heartbeats) -> Iterable[Issue]:
    for each in degradations.list_degradations(heartbeats):
        yield Issue(
            message=each.message,
            count=1,
            since=each.since,
            url=changelist_url("outbox_stream"),
            link_text="See what waits",
            state=DeliveryState.HELD,
        )


def _delivery_issues(stuck: list[statistics.StuckDeliveries]) -> Iterable[Issue]:
    """What failed for good, or may have been sent or not: one of an order leads to the order."""
    needing = [each for each in stuck if each.state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)]
    for each in needing[:MAX_REASONS]:
        said = "failed" if each.state == DeliveryState.FAILED else "may have been sent or not"
        reason = statistics.get_reason_text(each)
        is_of_an_order = each.count == 1 and each.subject.startswith("ord_")
        yield Issue(
            message=f"{timeline.kind_label(each.kind)} {said}: {reason}"
            if reason
            else f"{timeline.kind_label(each.kind)} {said}",
            count=each.count,
            since=each.since,
            url=reverse("admin:orders_order_change", args=[quote(each.subject)])
            if is_of_an_order
            else changelist_url("outbox_delivery", state__exact=each.state, kind=each.kind),
            link_text="See the order" if is_of_an_order else "See and send again",
            state=each.state,
        )


@dataclass(frozen=True)
class DueDeliveries:
    """What waits for its turn since when, and how many wait longer than they should."""

    since: datetime | None
    overdue_count: int


def summarize_due() -> DueDeliveries:
    now = clock.now()
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=now)
    found = waiting.aggregate(since=Min("due_at"), overdue_count=Count("pk", filter=Q(due_at__lt=now - OVERDUE_AFTER)))
    return DueDeliveries(**found)


def _overdue_issues(due: DueDeliveries) -> Iterable[Issue]:
    if due.overdue_count:
        yield Issue(
            message="Deliveries are due and nobody carries them. Is a worker running?",
            count=due.overdue_count,
            since=due.since,
            url=changelist_url("outbox_delivery", state__exact=DeliveryState.PENDING),
            link_text="See them",
            state=DeliveryState.PENDING,
        )


def count_by_status(days: list[statistics.DailyOrders]) -> list[dict[str, Any]]:
    """The same orders as the plot's, by status."""
    return [
        {
            "status": status,
            "count": sum(day.counts[status] for day in days),
            "url": changelist_url("orders_order", status=status),
        }
        for status in Status.values
    ]
