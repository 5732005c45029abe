"""Report of the benchmark: a table, and charts as SVG."""

from pathlib import Path

import pygal

from tests.bench.measures import Measurement


def render_table(measurements: list[Measurement]) -> str:
    marks = {True: "met", False: "missed", None: ""}
    lines = ["| Measure | Value | Goal | |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.value} | {row.goal} | {marks[row.is_met]} |" for row in measurements]
    return "\n".join(lines)


def write_report(measurements: list[Measurement], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(render_table(measurements) + "\n")
    for number, row in enumerate(row for row in measurements if row.points):
        chart = pygal.XY(
            title=row.name,
            x_title="seconds",
            y_title="results delivered",
            show_dots=False,
            js=[],
            width=900,
            height=450,
        )
        for name, points in row.points.items():
            chart.add(name, points)
        (folder / f"throughput-{number + 1}.svg").write_bytes(chart.render())
