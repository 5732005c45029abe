import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def wait_for(condition: Callable[[], object], *, timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env={"PATH": os.environ["PATH"], "PORTAL_ENV_FILE": "", **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
    )


class SupervisorProcess:
    """A supervisor in a process of its own that runs small commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(
        self,
        *,
        grace: float = 5.0,
        first_delay: float = 0.05,
        longest_delay: float = 30.0,
        hangup: signal.Handlers = signal.SIG_DFL,
        **programs: list[str],
    ) -> None:
        plan = {"programs": programs, "grace": grace, "first_delay": first_delay, "longest_delay": longest_delay}
        (self.folder / "plan.json").write_text(json.dumps(plan))
        with (self.folder / "console").open("wb") as console:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.config.supervisor.stand_in", str(self.folder)],
                cwd=REPOSITORY,
                stdout=console,
                stderr=console,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, hangup),
            )
        wait_for(lambda: "started" in self.read_console())

    def read_console(self) -> list[str]:
        return (self.folder / "console").read_text().splitlines()

    def list_pids(self) -> set[int]:
        """Return the pids of the supervisor and its descendants."""
        found, new = set(), {self.process.pid}
        while new:
            new = {child for pid in new for child in children_of(pid)}
            found |= new
        return found

    def stop(self, signum: signal.Signals) -> int:
        self.process.send_signal(signum)
        return self.process.wait(timeout=20)


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[SupervisorProcess]:
    stand_in = SupervisorProcess(tmp_path)
    yield stand_in
    if stand_in.process.poll() is None:
        stand_in.stop(signal.SIGTERM)
