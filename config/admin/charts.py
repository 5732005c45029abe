"""Where lines and bars of the overview's plots go: numbers in, coordinates out. The templates draw them as SVG.

No library: those that draw for the web write styles and scripts into the picture, which our policy forbids.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.utils.formats import date_format

from config.admin.statistics import Day, Lag
from orders.models import Status

LEFT, TOP, RIGHT, BOTTOM = 42, 10, 474, 172
STACK = (Status.COMPLETED, Status.IN_PROGRESS, Status.PENDING, Status.REJECTED, Status.EXPIRED)
GAP = 3
TICKS = ((0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"), (86400, "1 day"))
LABELS_END = 344
"""What a line's last value is told in stands right of here."""
LABELS_APART = 17


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

    at: float
    label: str


@dataclass(frozen=True)
class Column:
    """One day: its bars, from the bottom up, and what it says under the pointer."""

    x: float
    width: float
    said: str
    bars: list[Bar]


@dataclass(frozen=True)
class Line:
    """One measure: a polyline for each run of days, a dot for each day, and its newest value in words."""

    name: str
    runs: list[str]
    dots: list[tuple[float, float]]
    label: str
    label_y: float


@dataclass(frozen=True)
class Stacked:
    columns: list[Column]
    days: list[Tick]
    amounts: list[Tick]


@dataclass(frozen=True)
class Lines:
    lines: list[Line]
    days: list[Tick]
    amounts: list[Tick]


def stacked(days: Sequence[Day]) -> Stacked:
    """A column for each day, the statuses upon each other."""
    top = _round_up(max(day.total for day in days))
    step = (RIGHT - LEFT) / len(days)
    columns = [_column(day, LEFT + index * step, step - GAP, top) for index, day in enumerate(days)]
    amounts = [Tick(_y(amount / top), str(amount)) for amount in sorted({0, top // 2, top})]
    return Stacked(columns, _days([day.day for day in days], step), amounts)


def _column(day: Day, x: float, width: float, top: int) -> Column:
    bars, below = [], 0
    for status in STACK:
        if count := day.counts[status]:
            y = _y((below + count) / top)
            bars.append(Bar(round(x, 1), y, round(width, 1), round(_y(below / top) - y, 1), status))
            below += count
    parts = [f"{count} {Status(status).label.lower()}" for status in STACK if (count := day.counts[status])]
    said = f"{date_format(day.day, 'j F')}: {', '.join(parts) or 'none'}"
    return Column(round(x, 1), round(width, 1), said, bars)


def lines(lags: Sequence[Lag], days: Sequence[date]) -> Lines:
    """Half and 95 % of each day's results, on a scale of tens: a second and an hour both have room."""
    least = min(lag.half for lag in lags)
    most = max(lag.most for lag in lags)
    low = max((at for at, _ in TICKS if at <= least), default=TICKS[0][0])
    high = min((at for at, _ in TICKS if at >= most and at > low), default=max(most, 2 * low))
    step = (LABELS_END - LEFT) / len(days)
    places = {day: LEFT + (index + 0.5) * step for index, day in enumerate(days)}

    def height(seconds: float) -> float:
        share = (math.log(max(seconds, low)) - math.log(low)) / (math.log(high) - math.log(low))
        return _y(share)

    found = [
        _line(name, label, [(lag.day, places[lag.day], height(getattr(lag, name))) for lag in lags])
        for name, label in (("half", f"half: {span(lags[-1].half)}"), ("most", f"95 %: {span(lags[-1].most)}"))
    ]
    amounts = [Tick(height(at), label) for at, label in TICKS if low <= at <= high]
    return Lines(_apart(found), _days(list(days), step), amounts)


def _line(name: str, label: str, points: Sequence[tuple[date, float, float]]) -> Line:
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
    return Line(name, drawn, dots, label, dots[-1][1] + 4)


def _apart(found: list[Line]) -> list[Line]:
    """Labels that would stand upon each other are moved apart."""
    half, most = found
    if half.label_y - most.label_y >= LABELS_APART:
        return found
    middle = min(max((half.label_y + most.label_y) / 2, TOP + LABELS_APART), BOTTOM - LABELS_APART / 2)
    return [replace(half, label_y=middle + LABELS_APART / 2), replace(most, label_y=middle - LABELS_APART / 2)]


def _days(days: Sequence[date], step: float) -> list[Tick]:
    """The first day, the middle one and the last."""
    chosen = (0, len(days) // 2, len(days) - 1)
    return [Tick(round(LEFT + (each + 0.5) * step, 1), date_format(days[each], "j M")) for each in chosen]


def _y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def _round_up(amount: int) -> int:
    """To an even number that people count by."""
    if amount <= 4:
        return 4
    power = 10 ** (len(str(amount)) - 1)
    return next(int(step * power) for step in (1, 2, 4, 6, 8, 10) if step * power >= amount)


def span(seconds: float) -> str:
    """A duration in two digits or so: `0.5 s`, `12 s`, `3 min`, `2.5 h`."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.{0 if seconds >= 10 * unit else 1}f} {name}"
    return f"{seconds / 86400:.0f} days"
