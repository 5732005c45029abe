"""The numbers behind the overview's plots: a fixed number of queries, counted by the database, whatever it holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, FloatField, Func, IntegerField, Min, Q, Window
from django.db.models.functions import Cast, RowNumber, Substr

from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Priority
from orders import timeline
from orders.models import Order, Status

State = DeliveryState
DAYS_SHOWN = 30
STUCK_STATES = (State.FAILED, State.UNKNOWN, State.HELD)


class SecondsBetween(Func):
    """From the second instant to the first, computed where the rows are."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "((julianday(%(expressions)s)) * 86400.0)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXTRACT(EPOCH FROM (%(expressions)s))::float8"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ", **context)


@dataclass(frozen=True)
class DailyOrders:
    """The orders that came on one day, by their status now."""

    day: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class DailyLag:
    """How long the results of one day took from the report to SmartRecruiters' 200, in seconds."""

    day: date
    median: float
    p95: float
    """95 % of them arrived within this."""
    results: int


@dataclass(frozen=True)
class StuckDeliveries:
    """Deliveries that stand still, or wait after a failure, for one reason."""

    kind: str
    state: str
    reason: str
    count: int
    since: datetime
    subject: str
    """What it is about, or one of many."""
    next_at: datetime | None = None
    """When the first of those that wait is tried again."""


def list_days() -> list[date]:
    today = clock.now().astimezone(UTC).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]


def count_daily_orders() -> list[DailyOrders]:
    """One without a report is pending."""
    days = {day: dict.fromkeys(Status.values, 0) for day in list_days()}
    rows = (
        Order.objects.filter(created_at__gte=_window_start())
        .order_by()
        .values(day=_utc_day("created_at"), said=F("status"))
    )
    for row in rows.annotate(count=Count("pk")):
        if counts := days.get(date.fromisoformat(row["day"])):
            counts[row["said"] or Status.PENDING] += row["count"]
    return [DailyOrders(day, counts) for day, counts in days.items()]


def measure_lags() -> list[DailyLag]:
    """Only days on which a result arrived."""
    found: dict[date, list[tuple[float, int]]] = {}
    for day, seconds, of in _query_quantiles():
        found.setdefault(date.fromisoformat(day), []).append((max(0.0, seconds), of))
    return [DailyLag(day, min(rows)[0], max(rows)[0], rows[0][1]) for day, rows in sorted(found.items())]


def _query_quantiles() -> Iterable[tuple[str, float, int]]:
    """Of each day the delivery in the middle, and the one that 95 % were no slower than."""
    arrived = Delivery.objects.filter(
        priority=Priority.RESULT, state=State.DELIVERED, finished_at__gte=_window_start()
    ).order_by()
    numbered = arrived.annotate(
        day=_utc_day("finished_at"),
        seconds=SecondsBetween(F("finished_at"), F("created_at")),
        place=Window(RowNumber(), partition_by="day", order_by="seconds"),
        of=Window(Count("pk"), partition_by="day"),
    )
    middle = Func(F("of"), template="((%(expressions)s + 1) / 2)", output_field=IntegerField())
    most = Func(F("of"), template="((%(expressions)s * 95 + 99) / 100)", output_field=IntegerField())
    rows: Any = numbered.filter(Q(place=middle) | Q(place=most))
    found: Iterable[tuple[str, float, int]] = rows.values_list("day", "seconds", "of")
    return found


def count_undelivered() -> int:
    """Results that were reported and have not arrived: on their way, waiting or standing still."""
    return Delivery.objects.filter(
        priority=Priority.RESULT, state__in=(State.PENDING, State.IN_FLIGHT, *STUCK_STATES)
    ).count()


def list_stuck_deliveries() -> list[StuckDeliveries]:
    """What failed, may have been sent or not, is held, or waits after a failure: by reason, the most first."""
    stuck = Delivery.objects.filter(Q(state__in=STUCK_STATES) | Q(state=State.PENDING, failures__gt=0)).order_by()
    groups = stuck.values("kind", "state", "reason").annotate(
        count=Count("pk"),
        since=Min("created_at"),
        subject=Min("subject"),
        next_at=Min("due_at", filter=Q(state=State.PENDING)),
    )
    return [StuckDeliveries(**group) for group in groups.order_by("-count", "kind", "reason")]


def get_reason_text(stuck: StuckDeliveries) -> str:
    """Its reason as people say it."""
    return timeline.failure_text(stuck.kind, stuck.reason)


def _window_start() -> datetime:
    return datetime.combine(list_days()[0], datetime.min.time(), UTC)


def _utc_day(column: str) -> Substr:
    """The day in UTC as text: of what the column holds, without a function of ours called for every row."""
    return Substr(Cast(column, CharField()), 1, 10)
