"""Statistics of the outbox: delays, undelivered results and stuck deliveries, by a fixed number of queries each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, FloatField, Func, IntegerField, Min, Q, QuerySet, Window
from django.db.models.functions import Cast, RowNumber, Substr

from integrations.outbox import clock
from integrations.outbox.models import Delivery, Priority, Stream
from integrations.outbox.models import DeliveryState as State

DAYS_SHOWN = 30
OVERDUE_AFTER = timedelta(minutes=5)
STUCK_STATES = (State.FAILED, State.UNKNOWN, State.HELD)


class SecondsBetween(Func):
    """The seconds from the second instant to the first, computed by the database."""

    output_field = FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "((julianday(%(expressions)s)) * 86400.0)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXTRACT(EPOCH FROM (%(expressions)s))::float8"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ", **context)


@dataclass(frozen=True)
class DailyLag:
    """Seconds from an engine's report to SmartRecruiters' 200, for the results delivered on one day."""

    day: date
    median: float
    p95: float
    results: int


@dataclass(frozen=True)
class StuckDeliveries:
    """Deliveries of one kind and state that are stuck, or wait after a failure, for one reason.

    `subject` is the subject of one of them; `next_at` is the next attempt of those that are retried.
    """

    kind: str
    state: str
    reason: str
    count: int
    since: datetime
    subject: str
    next_at: datetime | None = None


@dataclass(frozen=True)
class DueDeliveries:
    """Deliveries that are due: since when the oldest waits, and those that wait longer than OVERDUE_AFTER.

    Those of a paused stream do not count as overdue: workers would send them. `list_paused_streams` has them.
    """

    since: datetime | None
    overdue_since: datetime | None
    overdue_count: int


def list_days() -> list[date]:
    """Return the last DAYS_SHOWN days in UTC, today last."""
    today = clock.now().astimezone(UTC).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS_SHOWN))]


def window_start() -> datetime:
    """Return the first instant of the days shown."""
    return datetime.combine(list_days()[0], datetime.min.time(), UTC)


def utc_day(column: str) -> Substr:
    # Django's TruncDate calls a Python function for every row on SQLite.
    return Substr(Cast(column, CharField()), 1, 10)


def measure_lags() -> list[DailyLag]:
    """Return the delays of each day on which a result was delivered."""
    rows_by_day: dict[date, list[tuple[float, int]]] = {}
    for day, seconds, of in _query_quantiles():
        rows_by_day.setdefault(date.fromisoformat(day), []).append((max(0.0, seconds), of))
    return [DailyLag(day, min(rows)[0], max(rows)[0], rows[0][1]) for day, rows in sorted(rows_by_day.items())]


def _query_quantiles() -> Iterable[tuple[str, float, int]]:
    """Return (day, seconds, number of results) of each day's median and 95th percentile."""
    delivered = Delivery.objects.filter(
        priority=Priority.RESULT, state=State.DELIVERED, finished_at__gte=window_start()
    ).order_by()
    numbered = delivered.annotate(
        day=utc_day("finished_at"),
        seconds=SecondsBetween(F("finished_at"), F("created_at")),
        place=Window(RowNumber(), partition_by="day", order_by="seconds"),
        of=Window(Count("pk"), partition_by="day"),
    )
    median = Func(F("of"), template="((%(expressions)s + 1) / 2)", output_field=IntegerField())
    p95 = Func(F("of"), template="((%(expressions)s * 95 + 99) / 100)", output_field=IntegerField())
    rows: Any = numbered.filter(Q(place=median) | Q(place=p95))
    quantiles: Iterable[tuple[str, float, int]] = rows.values_list("day", "seconds", "of")
    return quantiles


def count_undelivered() -> int:
    """Count the results that were reported and are not delivered: in flight, waiting or stuck."""
    return Delivery.objects.filter(
        priority=Priority.RESULT, state__in=(State.PENDING, State.IN_FLIGHT, *STUCK_STATES)
    ).count()


def list_stuck_deliveries() -> list[StuckDeliveries]:
    """Return failed, uncertain, held and retried deliveries, grouped by kind, state and reason, largest group first."""
    stuck = Delivery.objects.filter(Q(state__in=STUCK_STATES) | Q(state=State.PENDING, failures__gt=0)).order_by()
    groups = stuck.values("kind", "state", "reason").annotate(
        count=Count("pk"),
        since=Min("created_at"),
        subject=Min("subject"),
        next_at=Min("due_at", filter=Q(state=State.PENDING)),
    )
    return [StuckDeliveries(**group) for group in groups.order_by("-count", "kind", "reason")]


def summarize_due() -> DueDeliveries:
    now = clock.now()
    due = Delivery.objects.filter(state=State.PENDING, due_at__lte=now)
    overdue = Q(due_at__lt=now - OVERDUE_AFTER) & ~Q(stream__in=_paused_streams())
    figures = due.aggregate(
        since=Min("due_at"),
        overdue_since=Min("due_at", filter=overdue),
        overdue_count=Count("pk", filter=overdue),
    )
    return DueDeliveries(**figures)


def find_oldest_due() -> datetime | None:
    """Return since when the oldest due delivery waits."""
    due = Delivery.objects.filter(state=State.PENDING, due_at__lte=clock.now())
    return due.order_by("due_at").values_list("due_at", flat=True).first()


def has_unsent() -> bool:
    """Return True if a delivery is still to be sent, due or not, or is on its way."""
    return Delivery.objects.filter(state__in=(State.PENDING, State.IN_FLIGHT, State.HELD)).exists()


def list_paused_streams() -> list[Stream]:
    """Return the streams that have been paused for longer than OVERDUE_AFTER, with `waiting_count`, longest first."""
    waiting = Count("deliveries", filter=Q(deliveries__state=State.PENDING))
    paused = _paused_streams().filter(paused_since__lt=clock.now() - OVERDUE_AFTER).annotate(waiting_count=waiting)
    return list(paused.filter(waiting_count__gt=0).order_by("paused_since", "pk"))


def _paused_streams() -> QuerySet[Stream]:
    """Return the streams that are paused, or were until a moment ago, and are not held.

    A stream whose pause ended long ago without a call is not carried by any worker.
    """
    return Stream.objects.filter(held_reason="", paused_until__gt=clock.now() - OVERDUE_AFTER).order_by()
