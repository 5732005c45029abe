"""The commands of deploy/README.md beside `make serve`: each process may run twice, and SIGTERM ends each in order."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.management.commands.run import COMMANDS
from config.supervisor.processes.health import is_healthy
from tests.e2e.world import World, wait_for
from tests.integrations.simulator.process import ROOT, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
STARTED = {"courier": "second@machine ready.", "dispatcher": "second@machine ready.", "scheduler": "maxinterval"}


@contextlib.contextmanager
def run_second(world: World, folder: Path, name: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run another process beside the world's own, and wait until it has started."""
    runtime = (Path(world.environment["PORTAL_DATA_DIR"]) / "run").readlink()
    environment = {**world.environment, "PORT": str(port), "REDIS_URL": f"redis+socket://{runtime}/broker.sock"}
    options = ["-n", "second@machine"] if name in ("courier", "dispatcher") else []
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run", name, *options],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        if name == "web":
            wait_for(name, lambda: is_healthy("127.0.0.1", port, name="localhost"))
        else:
            wait_for(name, lambda: STARTED[name] in log.read_text())
        yield process
    finally:
        process.kill()
        process.wait()


def test_second_process_of_each_kind_does_no_harm_and_ends_on_sigterm(world: World, tmp_path: Path) -> None:
    world.connect_company("twice")
    package, since, port = world.package_ids("SKILL_TEST")[0], world.control.get_ledger_end(), free_port()
    with contextlib.ExitStack() as stack:
        seconds = [stack.enter_context(run_second(world, tmp_path, name, port)) for name in COMMANDS]
        placed = world.control.place_orders("twice", package, count=60, parallel=4, retries=5)
        for process in seconds:  # amid the deliveries
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process in seconds] == [0] * len(COMMANDS)
    wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"}, 150)
    repeats = [each for each in world.control.iterate_events(since, kinds="result") if each["repeat"]]
    assert (repeats, world.control.list_breaches()) == ([], [])
