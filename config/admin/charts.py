"""Charts of the overview: coordinates of bars, lines and axes. The templates draw them as SVG.

Chart libraries for the web write styles and scripts into the picture, which the Content-Security-Policy forbids.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils.formats import date_format

from integrations.outbox.statistics import DailyLag
from integrations.staff.display import format_number
from orders.models import Status
from orders.statistics import DailyOrders

LEFT, TOP, RIGHT, BOTTOM = 42, 10, 474, 172
STACKED_STATUSES = (Status.COMPLETED, Status.IN_PROGRESS, Status.PENDING, Status.REJECTED, Status.EXPIRED)
COLUMN_GAP = 3
DURATION_TICKS = (
    *((0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min")),
    *((600, "10 min"), (3600, "1 h"), (86400, "1 day")),
)
LINES_RIGHT = 344  # the labels of the lines' last values stand right of it
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
    position: float
    label: str


@dataclass(frozen=True)
class Column:
    """The bars of one day, from the bottom up, and the text of its tooltip."""

    x: float
    width: float
    title: str
    bars: list[Bar]


@dataclass(frozen=True)
class ChartLine:
    """One measure: a polyline for each run of consecutive days, a dot for each day, and a label at the newest."""

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
    """Build a chart with a column for each day, in which the statuses are stacked."""
    top = _round_up(max(day.total for day in days))
    step = (RIGHT - LEFT) / len(days)
    columns = [_build_column(day, LEFT + index * step, step - COLUMN_GAP, top) for index, day in enumerate(days)]
    amounts = [Tick(_scale_y(amount / top), format_number(amount)) for amount in sorted({0, top // 2, top})]
    return StackedChart(columns, _day_ticks([day.day for day in days], step), amounts)


def _build_column(day: DailyOrders, x: float, width: float, top: int) -> Column:
    bars, below = [], 0
    for status in STACKED_STATUSES:
        if count := day.counts[status]:
            y = _scale_y((below + count) / top)
            bars.append(Bar(round(x, 1), y, round(width, 1), round(_scale_y(below / top) - y, 1), status))
            below += count
    parts = [f"{count} {Status(status).label.lower()}" for status in STACKED_STATUSES if (count := day.counts[status])]
    title = f"{date_format(day.day, 'j F')}: {', '.join(parts) or 'none'}"
    return Column(round(x, 1), round(width, 1), title, bars)


def build_line_chart(lags: Sequence[DailyLag], days: Sequence[date]) -> LineChart:
    """Build a chart of the median and the 95th percentile of each day, on a logarithmic scale of seconds."""
    least = min(lag.median for lag in lags)
    most = max(lag.p95 for lag in lags)
    low = max((at for at, _ in DURATION_TICKS if at <= least), default=DURATION_TICKS[0][0])
    high = min((at for at, _ in DURATION_TICKS if at >= most and at > low), default=max(most, 2 * low))
    step = (LINES_RIGHT - LEFT) / len(days)
    places = {day: LEFT + (index + 0.5) * step for index, day in enumerate(days)}

    def scale_seconds(seconds: float) -> float:
        share = (math.log(max(seconds, low)) - math.log(low)) / (math.log(high) - math.log(low))
        return _scale_y(share)

    lines = [
        _build_line(name, label, [(lag.day, places[lag.day], scale_seconds(getattr(lag, name))) for lag in lags])
        for name, label in (
            ("median", f"50 %: {format_duration(lags[-1].median)}"),
            ("p95", f"95 %: {format_duration(lags[-1].p95)}"),
        )
    ]
    amounts = [Tick(scale_seconds(at), label) for at, label in DURATION_TICKS if low <= at <= high]
    return LineChart(_separate_labels(lines), _day_ticks(list(days), step), amounts)


def _build_line(name: str, label: str, points: Sequence[tuple[date, float, float]]) -> ChartLine:
    """Build a line that is interrupted by days without results."""
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


def _separate_labels(lines: list[ChartLine]) -> list[ChartLine]:
    """Move labels apart that would overlap."""
    median, p95 = lines
    if median.label_y - p95.label_y >= LABEL_SPACING:
        return lines
    middle = min(max((median.label_y + p95.label_y) / 2, TOP + LABEL_SPACING), BOTTOM - LABEL_SPACING / 2)
    return [replace(median, label_y=middle + LABEL_SPACING / 2), replace(p95, label_y=middle - LABEL_SPACING / 2)]


def _day_ticks(days: Sequence[date], step: float) -> list[Tick]:
    """Return ticks at the first, the middle and the last day."""
    chosen = (0, len(days) // 2, len(days) - 1)
    return [Tick(round(LEFT + (each + 0.5) * step, 1), date_format(days[each], "j M")) for each in chosen]


def _scale_y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def _round_up(amount: int) -> int:
    """Round up to an even, round number for the top of an axis."""
    if amount <= 4:
        return 4
    power = 10 ** (len(str(amount)) - 1)
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10) if step * power >= amount)


def format_duration(seconds: float) -> str:
    """Format a duration with about two digits: `0.5 s`, `12 s`, `3 min`, `2.5 h`."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if seconds >= 10 * unit else 1}f} {name}"
    return f"{seconds / 86400:.0f} days"
