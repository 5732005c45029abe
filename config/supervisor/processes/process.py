"""A managed process: started, its output forwarded, restarted with exponential backoff."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, cast

from config.supervisor.environment import REPOSITORY
from config.supervisor.processes.output import Output
from config.supervisor.processes.prctl import die_with_parent

INITIAL_DELAY = 1.0
MAX_DELAY = 30.0
STABLE_AFTER = 60.0
MAX_LINE = 64 * 1024


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


class ManagedProcess:
    """A program in a process group of its own, which dies with the supervisor."""

    def __init__(self, program: Program, output: Output, *, errors: IO[bytes] | None = None) -> None:
        self.program = program
        self.output = output
        self._errors = errors
        self.failures = 0
        self.restart_at: float | None = None
        self._partial = b""
        self.start()

    def start(self) -> None:
        me = os.getpid()
        self.restart_at = None
        self.started_at = time.monotonic()
        # The parent-death signal is tied to the forking thread, and preexec_fn is unsafe with threads: both are fine
        # because the supervisor has one thread.
        self._process = subprocess.Popen(
            self.program.command,
            env=dict(self.program.environment),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors or subprocess.STDOUT,
            process_group=0,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent=me),
        )
        self.pipe = cast(IO[bytes], self._process.stdout)
        os.set_blocking(self.pipe.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    def reap(self) -> int | None:
        """Return the exit status if the process has ended, else None, and kill the rest of its group."""
        if not self.is_running:
            return self._process.returncode
        # WNOWAIT leaves the zombie, so that its group id cannot be reused before the group is killed.
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.kill()
        self._process.wait()
        self.forward_output()
        if self._partial:
            self.output.write_line(self._partial)
            self._partial = b""
        return self._process.returncode

    def forward_output(self) -> bool:
        """Forward the available output. Return False at its end."""
        while True:
            try:
                chunk = os.read(self.pipe.fileno(), 64 * 1024)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            *lines, self._partial = (self._partial + chunk).split(b"\n")
            for line in lines:
                self.output.write_line(line)
            if len(self._partial) > MAX_LINE:
                self.output.write_line(self._partial)
                self._partial = b""

    def schedule_restart(self) -> float:
        """Return the seconds until the next start: exponential backoff, reset after a stable minute."""
        if time.monotonic() - self.started_at >= STABLE_AFTER:
            self.failures = 0
        delay: float = min(MAX_DELAY, INITIAL_DELAY * 2 ** min(self.failures, 10))
        self.failures += 1
        self.restart_at = time.monotonic() + delay
        return delay

    def terminate(self) -> None:
        """Send SIGTERM to the leader only: gunicorn's master stops its own workers."""
        self.restart_at = None
        if self.is_running:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the process group. After the leader is reaped, this has no effect."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def describe_status(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
