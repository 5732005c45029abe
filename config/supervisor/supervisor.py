import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import IO, Self

from config.supervisor.output import Output
from config.supervisor.process import LONGEST_DELAY, STEADY_AFTER, Child, Program, describe

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BRISK = 0.05
IDLE = 1.0


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, a closed terminal."""


class Supervisor:
    """Starts programs, starts again what dies, and ends all of them on leaving the `with` block.

    One thread and one loop: signals, ends and output of the children arrive in one `select`.
    """

    def __init__(self, *, say: Callable[[str], None], grace: float, stopping: Callable[[], None]) -> None:
        self._say = say
        self._grace = grace
        self._stopping = stopping
        self._children: list[Child] = []
        self._quiet: set[str] = set()
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for signum in (*STOPS, signal.SIGCHLD):
            # nohup has the closed terminal ignored, and is to be obeyed.
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, _arrives_through_the_waker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping()
        # The first program (the broker) ends last: the others would complain about its loss.
        self._end(self._children[1:])
        self._end(self._children[:1])

    def start(self, program: Program, output: Output) -> Child:
        """Run a program until the end, and again whenever it dies."""
        child = Child(program, output)
        self._children.append(child)
        self._watch(child)
        return child

    def finish(self, program: Program, output: Output, *, errors: IO[bytes] | None = None) -> int:
        """Run a program once and return its exit status, while the others go on."""
        child = Child(program, output, errors=errors)
        self._watch(child)
        try:
            while (status := self._reap(child)) is None:
                self._tick(BRISK)
            return status
        finally:
            self._end([child])

    def wait_until(self, condition: Callable[[], bool], *, timeout: float = float("inf")) -> bool:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._tick(BRISK)
        return True

    def run(self, each_time: Callable[[], None] = lambda: None) -> None:
        """Until somebody asks for the end, which raises Stopped; `each_time` is called about once a second."""
        while True:
            self._tick(IDLE)
            each_time()

    def _tick(self, seconds: float) -> None:
        for child in self._children:
            self._mind(child)
        now = time.monotonic()
        due = [child.due_at - now for child in self._children if child.due_at is not None]
        if self._listen(max(0.0, min(seconds, *due)) if due else seconds):
            raise Stopped

    def _listen(self, seconds: float) -> bool:
        """Pass on output for at most `seconds`, less if a signal arrives; True if it asks for the end."""
        stop = False
        for key, _ in self._selector.select(seconds):
            if not isinstance(key.data, Child):
                stop = any(number in STOPS for number in self._woken.recv(1024))
            elif not key.data.read():
                self._selector.unregister(key.fileobj)
        return stop

    def _mind(self, child: Child) -> None:
        if child.due_at is not None:
            if time.monotonic() >= child.due_at:
                self._restart(child)
        elif (status := self._reap(child)) is not None:
            self._report(child, describe(status), child.schedule_restart())
        elif child.program.name in self._quiet and time.monotonic() - child.started_at >= STEADY_AFTER:
            self._quiet.remove(child.program.name)
            self._say(f"{child.program.name} runs again.")

    def _restart(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:
            self._report(child, str(error), child.schedule_restart())
        else:
            self._watch(child)

    def _report(self, child: Child, reason: str, delay: float) -> None:
        name = child.program.name
        if delay < LONGEST_DELAY:
            self._say(f"{name} ended ({reason}); starts again in {delay:.0f} s, {child.output.where()}")
        elif name not in self._quiet:
            self._quiet.add(name)
            self._say(f"{name} keeps ending ({reason}); tried again every {delay:.0f} s, {child.output.where()}")

    def _watch(self, child: Child) -> None:
        self._selector.register(child.pipe, selectors.EVENT_READ, child)

    def _reap(self, child: Child) -> int | None:
        status = child.reap()
        if status is not None and not child.pipe.closed:
            with contextlib.suppress(KeyError):
                self._selector.unregister(child.pipe)
            child.pipe.close()
        return status

    def _end(self, children: Sequence[Child]) -> None:
        """Ask kindly; kill after `grace` seconds or on a second request."""
        for child in children:
            child.terminate()
        deadline = time.monotonic() + self._grace
        while self._any_running(children) and time.monotonic() < deadline:
            if self._listen(BRISK):
                deadline = time.monotonic()
        for child in children:
            child.kill()
        while self._any_running(children):
            self._listen(BRISK)

    def _any_running(self, children: Sequence[Child]) -> bool:
        return sum(self._reap(child) is None for child in children) > 0


def _arrives_through_the_waker(_signum: int, _frame: FrameType | None) -> None:
    """Python writes the signal's number to the wakeup descriptor; a handler must merely exist."""
