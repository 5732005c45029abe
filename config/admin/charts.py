"""Where lines and bars of the overview's plots go: numbers in, coordinates out. The templates draw them as SVG.

No library: those that draw for the web write styles and scripts into the picture, which our policy forbids.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils.formats import date_format

from config.admin.statistics import DailyLag, DailyOrders
from orders.models import Status

LEFT, TOP, RIGHT, BOTTOM = 42, 10, 474, 172
STACKED_STATUSES = (Status.COMPLETED, Status.IN_PROGRESS, Status.PENDING, Status.REJECTED, Status.EXPIRED)
COLUMN_GAP = 3
DURATION_TICKS = (
    (0.1, "0.1 s"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (86400, "1 day"),
)
LINES_RIGHT = 344
"""What a line's last value is told in stands right of here."""
LABEL_SPACING = 17


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    status: str


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where, and what it says."""

    position: float
    label: str


@dataclass(frozen=True)
class Column:
    """One day: its bars, from the bottom up, and what it says under the pointer."""

    x: float
    width: float
    title: str
    bars: list[Bar]


@dataclass(frozen=True)
class ChartLine:
    """One measure: a polyline for each run of days, a dot for each day, and its newest value in words."""

    name: str
    runs: list[str]
    dots: list[tuple[float, float]]
    label: str
    label_y: float


@dataclass(frozen=True)
class StackedChart:
    columns: list[Column]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True)
class LineChart:
    lines: list[ChartLine]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def build_stacked_chart(days: Sequence[DailyOrders]) -> StackedChart:
    """A column for each day, the statuses upon each other."""
    top = _round_up(max(day.total for day in days))
    step = (RIGHT - LEFT) / len(days)
    columns = [_build_column(day, LEFT + index * step, step - COLUMN_GAP, top) for index, day in enumerate(days)]
    amounts = [Tick(_scale_y(amount / top), str(amount)) for amount in sorted({0, top // 2, top})]
    return StackedChart(columns, _day_ticks([day.day for day in days], step), amounts)


def _build_column(day: DailyOrders, x: float, width: float, top: int) -> Column:
    bars, below = [], 0
    for status in STACKED_STATUSES:
        if count := day.counts[status]:
            y = _scale_y((below + count) / top)
            bars.append(Bar(round(x, 1), y, round(width, 1), round(_scale_y(below / top) - y, 1), status))
            below += count
    parts = [f"{count} {Status(status).label.lower()}" for status in STACKED_STATUSES if (count := day.counts[status])]
    said = f"{date_format(day.day, 'j F')}: {', '.join(parts) or 'none'}"
    return Column(round(x, 1), round(width, 1), said, bars)


def build_line_chart(lags: Sequence[DailyLag], days: Sequence[date]) -> LineChart:
    """Half and 95 % of each day's results, on a scale of tens: a second and an hour both have room."""
    least = min(lag.median for lag in lags)
    most = max(lag.p95 for lag in lags)
    low = max((at for at, _ in DURATION_TICKS if at <= least), default=DURATION_TICKS[0][0])
    high = min((at for at, _ in DURATION_TICKS if at >= most and at > low), default=max(most, 2 * low))
    step = (LINES_RIGHT - LEFT) / len(days)
    places = {day: LEFT + (index + 0.5) * step for index, day in enumerate(days)}

    def scale_seconds(seconds: float) -> float:
        share = (math.log(max(seconds, low)) - math.log(low)) / (math.log(high) - math.log(low))
        return _scale_y(share)

    found = [
        _build_line(name, label, [(lag.day, places[lag.day], scale_seconds(getattr(lag, name))) for lag in lags])
        for name, label in (
            ("median", f"half: {format_duration(lags[-1].median)}"),
            ("p95", f"95 %: {format_duration(lags[-1].p95)}"),
        )
    ]
    amounts = [Tick(scale_seconds(at), label) for at, label in DURATION_TICKS if low <= at <= high]
    return LineChart(_separate_labels(found), _day_ticks(list(days), step), amounts)


def _build_line(name: str, label: str, points: Sequence[tuple[date, float, float]]) -> ChartLine:
    """A day without any result interrupts it."""
    runs: list[list[tuple[float, float]]] = []
    before = None
    for day, x, y in points:
        if before is None or (day - before).days > 1:
            runs.append([])
        runs[-1].append((round(x, 1), y))
        before = day
    dots = [point for run in runs for point in run]
    drawn = [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1]
    return ChartLine(name, drawn, dots, label, dots[-1][1] + 4)


def _separate_labels(found: list[ChartLine]) -> list[ChartLine]:
    """Labels that would stand upon each other are moved apart."""
    half, most = found
    if half.label_y - most.label_y >= LABEL_SPACING:
        return found
    middle = min(max((half.label_y + most.label_y) / 2, TOP + LABEL_SPACING), BOTTOM - LABEL_SPACING / 2)
    return [replace(half, label_y=middle + LABEL_SPACING / 2), replace(most, label_y=middle - LABEL_SPACING / 2)]


def _day_ticks(days: Sequence[date], step: float) -> list[Tick]:
    """The first day, the middle one and the last."""
    chosen = (0, len(days) // 2, len(days) - 1)
    return [Tick(round(LEFT + (each + 0.5) * step, 1), date_format(days[each], "j M")) for each in chosen]


def _scale_y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def _round_up(amount: int) -> int:
    """To an even number that people count by."""
    if amount <= 4:
        return 4
    power = 10 ** (len(str(amount)) - 1)
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10) if step * power >= amount)


def format_duration(seconds: float) -> str:
    """A duration in two digits or so: `0.5 s`, `12 s`, `3 min`, `2.5 h`."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if seconds >= 10 * unit else 1}f} {name}"
    return f"{seconds / 86400:.0f} days"
