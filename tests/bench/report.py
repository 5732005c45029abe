"""The bench's report: a table, and plots drawn as SVG."""

from pathlib import Path

import pygal

from tests.bench.measures import Measurement


def render_table(found: list[Measurement]) -> str:
    marks = {True: "met", False: "missed", None: ""}
    lines = ["| What | Measured | Goal | |", "|---|---|---|---|"]
    lines += [f"| {row.name} | {row.value} | {row.goal} | {marks[row.is_met]} |" for row in found]
    return "\n".join(lines)


def write_report(found: list[Measurement], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(render_table(found) + "\n")
    for number, row in enumerate(row for row in found if row.points):
        plot = pygal.XY(
            title=row.name,
            x_title="seconds",
            y_title="results delivered",
            show_dots=False,
            js=[],
            width=900,
            height=450,
        )
        for name, points in row.points.items():
            plot.add(name, points)
        (folder / f"throughput-{number + 1}.svg").write_bytes(plot.render())
