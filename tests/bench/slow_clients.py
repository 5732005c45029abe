"""Measure of the answers to others beside slow clients (config/server/README.md)."""

import statistics
import tempfile
from pathlib import Path

from tests.bench.measures import Measurement
from tests.bench.stage import Stage, print_progress
from tests.e2e.nginx import run_nginx
from tests.e2e.slow_clients import MANNERS, OrdinaryClient, measure_beside
from tests.integrations.simulator.process import free_port

GOAL_SECONDS = 1.0


def slow_clients(stage: Stage, count: int, seconds: float) -> list[Measurement]:
    """Measure each manner of slow clients, at the portal itself and behind nginx with and without its buffers."""
    [company] = stage.connect_companies(1)
    client = OrdinaryClient(stage.world, company)
    buffering, passing = free_port(), free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        run_nginx(Path(folder, "buffering"), buffering, stage.world.port),
        run_nginx(Path(folder, "passing"), passing, stage.world.port, buffering=False),
    ):
        ports = {"the portal": stage.world.port, "buffering nginx": buffering, "passing nginx": passing}
        return [
            _measure(client, manner, target, port, count, seconds)
            for manner in MANNERS
            for target, port in ports.items()
        ]


def _measure(client: OrdinaryClient, manner: str, target: str, port: int, count: int, seconds: float) -> Measurement:
    answers = measure_beside(client, port, MANNERS[manner], count=count, seconds=seconds)
    times = [answer.seconds for answer in answers]
    refused = sum(answer.status not in (200, 202) for answer in answers)
    value = f"p50 {statistics.median(times):.2f} s, slowest of {len(times)} {max(times):.2f} s, {refused} not answered"
    is_met = not refused and max(times) < GOAL_SECONDS
    name = f"Answers beside {count} × {manner}, {seconds:.0f} s, {target}"
    print_progress(f"{name}: {value}")
    return Measurement(name, value, f"each < {GOAL_SECONDS:.0f} s", is_met)
