"""Supervisor: starts, restarts and stops processes."""

import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import IO, Self

from config.supervisor.processes.output import Output
from config.supervisor.processes.process import MAX_DELAY, STABLE_AFTER, ManagedProcess, Program, describe_status

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BUSY_INTERVAL = 0.05
IDLE_INTERVAL = 1.0


class ShutdownRequestedError(Exception):
    """A shutdown was requested by Ctrl-C, SIGTERM or a closed terminal."""


class Supervisor:
    """Context manager that starts programs, restarts those that die, and stops all of them at the end.

    One thread and one event loop: signals, exits and output of the processes arrive in one `select`.
    """

    def __init__(self, *, print_message: Callable[[str], None], grace: float, on_stop: Callable[[], None]) -> None:
        self._print_message = print_message
        self._grace = grace
        self._on_stop = on_stop
        self._processes: list[ManagedProcess] = []
        self._muted: set[str] = set()
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        self._wakeup_writer.setblocking(False)
        self._selector.register(self._wakeup_reader, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        for signum in (*STOP_SIGNALS, signal.SIGCHLD):
            # nohup ignores SIGHUP, and that must stay so.
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, _ignore_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._on_stop()
        # The first program, the broker, is stopped last: the others would log errors without it.
        self._stop_processes(self._processes[1:])
        self._stop_processes(self._processes[:1])

    def start_program(self, program: Program, output: Output) -> ManagedProcess:
        child = ManagedProcess(program, output)
        self._processes.append(child)
        self._watch_output(child)
        return child

    def run_once(self, program: Program, output: Output, *, errors: IO[bytes] | None = None) -> int:
        """Run a program once and return its exit status; the others keep running."""
        child = ManagedProcess(program, output, errors=errors)
        self._watch_output(child)
        try:
            while (status := self._reap_process(child)) is None:
                self._tick(BUSY_INTERVAL)
            return status
        finally:
            self._stop_processes([child])

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = float("inf")) -> bool:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._tick(BUSY_INTERVAL)
        return True

    def run_forever(self, on_tick: Callable[[], None] = lambda: None) -> None:
        """Run until ShutdownRequestedError is raised. `on_tick` is called about once a second."""
        while True:
            self._tick(IDLE_INTERVAL)
            on_tick()

    def _tick(self, seconds: float) -> None:
        for child in self._processes:
            self._poll_process(child)
        now = time.monotonic()
        due = [child.restart_at - now for child in self._processes if child.restart_at is not None]
        if self._wait_for_events(max(0.0, min(seconds, *due)) if due else seconds):
            raise ShutdownRequestedError

    def _wait_for_events(self, seconds: float) -> bool:
        """Forward output for at most `seconds`, less if a signal arrives. Return True for a stop signal."""
        stop = False
        for key, _ in self._selector.select(seconds):
            if not isinstance(key.data, ManagedProcess):
                stop = any(number in STOP_SIGNALS for number in self._wakeup_reader.recv(1024))
            elif not key.data.forward_output():
                self._selector.unregister(key.fileobj)
        return stop

    def _poll_process(self, child: ManagedProcess) -> None:
        if child.restart_at is not None:
            if time.monotonic() >= child.restart_at:
                self._restart_process(child)
        elif (status := self._reap_process(child)) is not None:
            self._report_exit(child, describe_status(status), child.schedule_restart())
        elif child.program.name in self._muted and time.monotonic() - child.started_at >= STABLE_AFTER:
            self._muted.remove(child.program.name)
            self._print_message(f"{child.program.name} is running again.")

    def _restart_process(self, child: ManagedProcess) -> None:
        try:
            child.start()
        except OSError as error:
            self._report_exit(child, str(error), child.schedule_restart())
        else:
            self._watch_output(child)

    def _report_exit(self, child: ManagedProcess, reason: str, delay: float) -> None:
        name = child.program.name
        if delay < MAX_DELAY:
            self._print_message(
                f"{name} exited ({reason}); restarting in {delay:.0f} s, {child.output.describe_location()}"
            )
        elif name not in self._muted:
            self._muted.add(name)
            self._print_message(
                f"{name} keeps exiting ({reason}); restarting every {delay:.0f} s, {child.output.describe_location()}"
            )

    def _watch_output(self, child: ManagedProcess) -> None:
        self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _reap_process(self, child: ManagedProcess) -> int | None:
        status = child.reap()
        if status is not None and not child.pipe.closed:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.pipe)
            child.pipe.close()
        return status

    def _stop_processes(self, children: Sequence[ManagedProcess]) -> None:
        """Terminate the processes, and kill them after `grace` seconds or at a second stop signal."""
        for child in children:
            child.terminate()
        deadline = time.monotonic() + self._grace
        while self._any_running(children) and time.monotonic() < deadline:
            if self._wait_for_events(BUSY_INTERVAL):
                deadline = time.monotonic()
        for child in children:
            child.kill()
        while self._any_running(children):
            self._wait_for_events(BUSY_INTERVAL)

    def _any_running(self, children: Sequence[ManagedProcess]) -> bool:
        # Not any(), which would leave processes unreaped.
        return sum(self._reap_process(child) is None for child in children) > 0


def _ignore_signal(_signum: int, _frame: FrameType | None) -> None:
    """Ignore the signal: Python writes the signal's number to the wakeup descriptor, but only if a handler exists."""
