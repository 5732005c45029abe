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
from config.monitoring.degradations import Beats
from integrations.models import Connection, ConnectionState, Webhook
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.staff.display import counted
from orders import timeline
from orders.models import Reconciliation, Status

LATE = timedelta(minutes=5)
GAPS_SHOWN = 50
REASONS_SHOWN = 8
CONNECTIONS_SHOWN = 10


@dataclass(frozen=True)
class Trouble:
    """Something that needs a hand: what, how much of it, since when, and where it is mended."""

    what: str
    count: int
    since: datetime | None
    url: str
    verb: str
    state: str


def overview() -> dict[str, Any]:
    steps = setup_checklist.steps()
    stuck, due, beats = statistics.standing(), oldest_due(), degradations.beats()
    days = statistics.orders_by_day()
    lags = statistics.lags()
    return {
        "troubles": troubles(stuck, due, beats),
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "is_set_up": all(step.is_done for step in steps),
        "status_counts": status_counts(days),
        "days": days,
        "orders_plot": charts.stacked(days),
        "orders_said": _orders_said(days),
        "lags": [(lag.day, charts.span(lag.half), charts.span(lag.most), lag.results) for lag in lags],
        "lag_plot": charts.lines(lags, statistics.last_days()) if lags else None,
        "lag_said": _lag_said(lags, statistics.missing()),
        "failures": failures(stuck),
        "patience": patience(stuck),
        "oldest_due": due.since,
        "last_heartbeat": beats.worker,
    }


def _orders_said(days: list[statistics.Day]) -> str:
    """The plot's title: its answer."""
    total, done = sum(day.total for day in days), sum(day.counts[Status.COMPLETED] for day in days)
    if not total:
        return f"No order in {len(days)} days"
    return f"{counted(total, 'order')} in {len(days)} days, {done:,} completed"


def _lag_said(lags: list[statistics.Lag], missing: int) -> str:
    """What has not arrived is said, too: else the quick ones would speak for all."""
    behind = f"; {counted(missing, 'has', 'have')} not arrived" if missing else ""
    return _arrived_said(lags) + behind


def _arrived_said(lags: list[statistics.Lag]) -> str:
    if not lags:
        return f"No result went to SmartRecruiters in {statistics.DAYS} days"
    newest = lags[-1]
    day = "today" if newest.day == statistics.last_days()[-1] else f"on {date_format(newest.day, 'j F')}"
    if newest.results == 1:
        return f"The one result {day} reached SmartRecruiters within {charts.span(newest.most)}"
    return (
        f"Results {day} reached SmartRecruiters in {charts.span(newest.half)}, 95 % within {charts.span(newest.most)}"
    )


@dataclass(frozen=True)
class Failure:
    """One reason why deliveries do not arrive, and how much of all the failures it is, in percent."""

    reason: str
    count: int
    share: int
    url: str


@dataclass(frozen=True)
class Failures:
    said: str
    reasons: list[Failure]
    others: int


def failures(stuck: list[statistics.Standing]) -> Failures:
    """All that stands still or waits after a failure, by reason in words."""
    counts: Counter[str] = Counter()
    urls: dict[str, str] = {}
    for each in stuck:
        reason = statistics.in_words(each) or f"{timeline.name_of(each.kind)}: no reason was kept"
        counts[reason] += each.count
        urls.setdefault(reason, changelist("outbox_delivery", state__exact=each.state, kind=each.kind))
    total = counts.total()
    shown = counts.most_common(REASONS_SHOWN)
    reasons = [Failure(reason, count, max(1, round(100 * count / total)), urls[reason]) for reason, count in shown]
    said = f"{counted(total, 'delivery does', 'deliveries do')} not get through" if total else "Nothing fails now"
    return Failures(said, reasons, total - sum(count for _, count in shown))


@dataclass(frozen=True)
class Patience:
    """What goes on without a hand: tried again by itself, or held until its way is open."""

    again: int
    next_at: datetime | None
    held: int

    @property
    def is_needed(self) -> bool:
        return bool(self.again or self.held)

    @property
    def is_due(self) -> bool:
        return self.next_at is not None and self.next_at <= clock.now()


def patience(stuck: list[statistics.Standing]) -> Patience:
    waiting = [each for each in stuck if each.state == DeliveryState.PENDING]
    return Patience(
        again=sum(each.count for each in waiting),
        next_at=min((each.next_at for each in waiting if each.next_at), default=None),
        held=sum(each.count for each in stuck if each.state == DeliveryState.HELD),
    )


def changelist(model: str, **query: str) -> str:
    return reverse(f"admin:{model}_changelist") + (f"?{urlencode(query)}" if query else "")


def troubles(
    stuck: list[statistics.Standing] | None = None, due: "Due | None" = None, beats: Beats | None = None
) -> list[Trouble]:
    """What needs a hand, the gravest first. Of nothing more rows than people read."""
    stuck = statistics.standing() if stuck is None else stuck
    due = due or oldest_due()
    return [
        *_short(beats or degradations.beats()),
        *_gap(),
        *_connections(),
        *_streams(),
        *_webhooks(),
        *_deliveries(stuck),
        *_late(due),
    ]


def _connections() -> Iterable[Trouble]:
    """Each by name; where there are many, the rest as one."""
    broken = Connection.objects.filter(state=ConnectionState.NEEDS_RECONNECT).select_related("customer")
    found = list(broken.annotate(of=Window(Count("pk"))).order_by("updated_at")[:CONNECTIONS_SHOWN])
    for connection in found:
        yield Trouble(
            what=f"{connection.customer} ({connection.company_id}) needs a reconnect. {connection.reason}",
            count=1,
            since=connection.updated_at,
            url=reverse("admin:integrations_connection_change", args=[quote(connection.pk)]),
            verb="See what to do",
            state=connection.state,
        )
    if found and (more := found[0].of - len(found)):  # type: ignore[attr-defined]
        yield Trouble(
            what="More connections need a reconnect.",
            count=more,
            since=None,
            url=changelist("integrations_connection", state__exact=ConnectionState.NEEDS_RECONNECT),
            verb="See them all",
            state=ConnectionState.NEEDS_RECONNECT,
        )


def _streams() -> Iterable[Trouble]:
    """Held streams that belong to no connection: the master pair's, e-mail's."""
    for stream in Stream.objects.exclude(held_reason="").exclude(name__contains=":"):
        yield Trouble(
            what=f"Nothing of “{stream_labels.of([stream.name])[stream.name].called}” is sent. {stream.held_reason}",
            count=1,
            since=None,
            url=reverse("admin:outbox_stream_change", args=[stream.pk]),
            verb="See what to do",
            state=DeliveryState.HELD,
        )


def _webhooks() -> Iterable[Trouble]:
    for webhook in Webhook.objects.exclude(off_reason="").select_related("client"):
        yield Trouble(
            what=f"The endpoint {webhook.url} of “{webhook.client.name}” is off. {webhook.off_reason}",
            count=1,
            since=webhook.last_success_at,
            url=reverse("admin:integrations_webhook_change", args=[quote(webhook.pk)]),
            verb="See and switch on",
            state=DeliveryState.HELD,
        )


def _gap() -> Iterable[Trouble]:
    """What the hourly comparison found that nothing else shows."""
    last = Reconciliation.objects.first()
    if last is not None and last.gap:
        yield Trouble(
            what="Results were reported, and are neither in SmartRecruiters nor on their way",
            count=last.gap,
            since=last.at,
            url=changelist("orders_order", id__in=",".join(list(last.gaps)[:GAPS_SHOWN])),
            verb="See the orders",
            state=DeliveryState.FAILED,
        )


def _short(beats: Beats) -> Iterable[Trouble]:
    for each in degradations.found(beats):
        yield Trouble(
            what=each.what,
            count=1,
            since=each.since,
            url=changelist("outbox_stream"),
            verb="See what waits",
            state=DeliveryState.HELD,
        )


def _deliveries(stuck: list[statistics.Standing]) -> Iterable[Trouble]:
    """What failed for good, or may have been sent or not: one of an order leads to the order."""
    needing = [each for each in stuck if each.state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)]
    for each in needing[:REASONS_SHOWN]:
        said = "failed" if each.state == DeliveryState.FAILED else "may have been sent or not"
        reason = statistics.in_words(each)
        is_of_an_order = each.count == 1 and each.subject.startswith("ord_")
        yield Trouble(
            what=f"{timeline.name_of(each.kind)} {said}: {reason}"
            if reason
            else f"{timeline.name_of(each.kind)} {said}",
            count=each.count,
            since=each.since,
            url=reverse("admin:orders_order_change", args=[quote(each.subject)])
            if is_of_an_order
            else changelist("outbox_delivery", state__exact=each.state, kind=each.kind),
            verb="See the order" if is_of_an_order else "See and send again",
            state=each.state,
        )


@dataclass(frozen=True)
class Due:
    """What waits for its turn since when, and how many wait longer than they should."""

    since: datetime | None
    late: int


def oldest_due() -> Due:
    now = clock.now()
    waiting = Delivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=now)
    found = waiting.aggregate(since=Min("due_at"), late=Count("pk", filter=Q(due_at__lt=now - LATE)))
    return Due(**found)


def _late(due: Due) -> Iterable[Trouble]:
    if due.late:
        yield Trouble(
            what="Deliveries are due and nobody carries them. Is a worker running?",
            count=due.late,
            since=due.since,
            url=changelist("outbox_delivery", state__exact=DeliveryState.PENDING),
            verb="See them",
            state=DeliveryState.PENDING,
        )


def status_counts(days: list[statistics.Day]) -> list[dict[str, Any]]:
    """The same orders as the plot's, by status."""
    return [
        {
            "status": status,
            "count": sum(day.counts[status] for day in days),
            "url": changelist("orders_order", status=status),
        }
        for status in Status.values
    ]
