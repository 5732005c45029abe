"""Process of the rig, which is restarted at once when it dies."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from config.supervisor.environment import REPOSITORY
from config.supervisor.processes.prctl import die_with_parent
from config.supervisor.processes.process import Program


class RigProcess:
    """Process group that dies with this process. Start it from the main thread, to which the kernel ties it."""

    def __init__(
        self, program: Program, logs: Path, *, user: int | None = None, stop_signal: int = signal.SIGTERM
    ) -> None:
        self.program, self.user, self.stop_signal = program, user, stop_signal
        self.name = program.name
        self.should_run = True
        self.starts: list[float] = []
        self.deaths = 0
        self._log = logs / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def ensure_running(self) -> None:
        """Start the process if it should run but does not."""
        if self._process is not None and self._has_ended():
            self.deaths += 1
            self._process = None
        if self._process is None and self.should_run:
            self._start(self.program.environment)

    def _start(self, environment: Mapping[str, str]) -> None:
        parent = os.getpid()
        self.starts.append(time.time())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.program.command,
                env=dict(environment),
                cwd="/" if self.user is not None else REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                process_group=0,
                preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent=parent),
            )

    def _has_ended(self) -> bool:
        """Return True if the process has ended; kill the rest of its group and reap it."""
        process = self._process
        if process is None or process.returncode is not None:
            return True
        # WNOWAIT: the pid is not reused before the process is reaped, so that the group can be killed safely.
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
        self.signal_group(signal.SIGKILL)
        process.wait()
        return True

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def signal_group(self, number: int) -> None:
        """Send the signal to the whole group."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)

    def kill(self) -> None:
        self.signal_group(signal.SIGKILL)

    def send_signal(self, number: int | None = None) -> None:
        """Send the signal to the leader only: gunicorn's master stops its workers itself."""
        if (pid := self.pid) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number or self.stop_signal)

    def stop(self, timeout: float) -> None:
        """Stop the process for good: first by its stop signal, after `timeout` seconds by SIGKILL."""
        self.should_run = False
        if self._process is None:
            return
        self.signal_group(signal.SIGCONT)
        self.send_signal()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        if self._process.returncode is None:
            self.kill()
            self._process.wait()

    def log_tail(self, characters: int = 3000) -> str:
        return self._log.read_text(errors="replace")[-characters:] if self._log.exists() else ""
