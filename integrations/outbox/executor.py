"""The line: the calls of one stream, started by the pace, so many at a time.

Its own thread starts them, whatever the database is busy with meanwhile, and nothing here touches the database. The
calls of all lines share one pool of threads.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from integrations.http import transport
from integrations.http.client import NO_TIME, CallFailed, Reply
from integrations.outbox import clock, failpoints
from integrations.outbox.handlers import Call, Handler
from integrations.outbox.leases import Lease
from integrations.outbox.models import Attempt, Delivery
from integrations.outbox.rate_limiter import Pace
from integrations.outbox.settlement import Outcome

log = structlog.get_logger(__name__)

POOL_THREADS = 256

Timed = tuple[float, Reply | None, CallFailed | None]
pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="http")
stopping = threading.Event()
"""Set when this process is asked to end: no call starts any more, those on their way are waited for."""


@dataclass(eq=False)
class Claimed:
    """A delivery in our hands with its call built. A call that cannot be repeated gets its attempt only when its turn
    has come: until then it certainly had no effect."""

    delivery: Delivery
    handler: Handler
    call: Call
    token: str
    attempt: Attempt | None = None
    in_its_second: int = 0
    """Calls of ours to this endpoint in the second that ended when it went out, itself included."""

    def next_attempt(self) -> Attempt:
        """For its call, not stored yet."""
        number = self.delivery.attempts_made + 1
        return Attempt(delivery=self.delivery, number=number, started_at=clock.now(), request=self.call.request)


class Line:
    """Used by one coordinator, which puts in what it has claimed and takes out what came back."""

    def __init__(self, pace: Pace, lease: Lease, scale: float) -> None:
        self.pace, self.lease, self.scale = pace, lease, scale
        self.parallel = 1
        self._waiting: list[Claimed] = []
        self._running = 0
        self._returned: list[Outcome] = []
        self._fault: BaseException | None = None
        self._is_halted = self._is_closed = False
        lock = threading.Lock()
        self._may_start, self._concerns = threading.Condition(lock), threading.Condition(lock)
        self._starter = threading.Thread(target=self._start_by_the_pace, name="line", daemon=True)

    # For the coordinator

    def open(self) -> None:
        self._starter.start()

    def close(self) -> None:
        """No call starts any more."""
        with self._may_start:
            self._is_closed = True
            self._may_start.notify()

    def add(self, claimed: Sequence[Claimed]) -> None:
        with self._may_start:
            self._waiting += claimed
            self._may_start.notify()

    def take_back(self) -> list[Claimed]:
        """What has not begun, and does not begin any more."""
        with self._may_start:
            waiting, self._waiting = self._waiting, []
            return waiting

    def returned(self) -> list[Outcome]:
        """What came back since it was last asked for. Raises what ended a call's thread: nobody knows of that call."""
        with self._may_start:
            if self._fault is not None:
                raise self._fault
            returned, self._returned = self._returned, []
            return returned

    def halt(self) -> None:
        """No call starts until `go_on`. An answer that may concern the calls to come does so by itself."""
        with self._may_start:
            self._is_halted = True

    def go_on(self, parallel: int) -> None:
        """So many calls at a time."""
        with self._may_start:
            self._is_halted, self.parallel = False, parallel
            self._may_start.notify()

    def wait(self, seconds: float) -> None:
        """Until something concerns the coordinator: all is done, a trouble came back, or a call asks to begin."""
        with self._concerns:
            self._concerns.wait_for(self._is_concerned, seconds)

    @property
    def in_hand(self) -> int:
        """Calls that wait or are on their way."""
        return len(self._waiting) + self._running

    @property
    def on_the_wire(self) -> int:
        """Calls on their way, or come back and not taken out."""
        with self._may_start:
            return self._running + len(self._returned)

    @property
    def is_halted(self) -> bool:
        return self._is_halted

    def asking(self) -> Claimed | None:
        """One whose turn has come, and whose attempt has to be written before it may `begin`."""
        with self._may_start:
            return self._asking()

    def begin(self, claimed: Claimed, attempt: Attempt) -> None:
        """Its attempt is stored."""
        with self._may_start:
            claimed.attempt = attempt
            self._may_start.notify()

    def next_calls(self) -> dict[str, float]:
        with self._may_start:
            return dict(self.pace.next_calls)

    # The starter's

    def _start_by_the_pace(self) -> None:
        with self._may_start:
            while not self._is_closed:
                claimed = self._first()
                if claimed is None:
                    self._may_start.wait()
                elif pause := self._pause(claimed, _now()):
                    self._may_start.wait(pause)
                elif claimed.attempt is None:
                    self._concerns.notify()
                    self._may_start.wait()
                else:
                    self._start(claimed)

    def _first(self) -> Claimed | None:
        """Which of those that wait may start first, if any may."""
        if self._is_halted or self._is_closed or stopping.is_set() or self._running >= self.parallel:
            return None
        now = _now()
        first = min(self._waiting, key=lambda claimed: self._pause(claimed, now), default=None)
        if first is None:
            return None
        wanted = first.handler.deadline_seconds
        return first if self.lease.seconds_for(wanted) > wanted * self.scale / 2 else None

    def _pause(self, claimed: Claimed, now: float) -> float:
        return self.pace.wait(claimed.call.endpoint, now)

    def _asking(self) -> Claimed | None:
        first = self._first()
        return first if first and first.attempt is None and not self._pause(first, _now()) else None

    def _start(self, claimed: Claimed) -> None:
        pool.submit(self._make, claimed, time.monotonic() + self.lease.seconds_for(claimed.handler.deadline_seconds))
        self.pace.called(claimed.call.endpoint, _now())
        self._waiting.remove(claimed)
        self._running += 1

    def _is_concerned(self) -> bool:
        return self._is_halted or not self.in_hand or self._asking() is not None

    # The pool's

    def _make(self, claimed: Claimed, ends: float) -> None:
        try:
            with transport.watched(partial(self._goes_out, claimed)):
                seconds, reply, error = timed(claimed.call, ends)
        except BaseException as fault:
            with self._may_start:
                self._fault, self._is_halted = fault, True
                self._concerns.notify()
            raise
        self._end(claimed, seconds, reply, error)

    def _goes_out(self, claimed: Claimed) -> None:
        """With so many threads at work, that may be much later than it was started."""
        with self._may_start:
            claimed.in_its_second = self.pace.went_out(claimed.call.endpoint, _now())

    def _end(self, claimed: Claimed, seconds: float, reply: Reply | None, error: CallFailed | None) -> None:
        now = clock.now()
        assert claimed.attempt is not None  # noqa: S101 (nothing starts without)
        claimed.attempt.started_at = now - timedelta(seconds=seconds)
        with self._may_start:
            if reply is not None:
                self.pace.correct(claimed.call.endpoint, reply.headers, now.timestamp(), claimed.in_its_second)
            self._running -= 1
            self._returned.append(Outcome(claimed.delivery, claimed.attempt, claimed.token, seconds, reply, error))
            self._is_halted |= reply is None or reply.status >= 300
            self._may_start.notify()
            if self._is_halted or not self.in_hand:
                self._concerns.notify()


def _now() -> float:
    """In epoch seconds, as the pace counts."""
    return clock.now().timestamp()


def timed(call: Call, ends: float) -> Timed:
    """Make the call before `ends`, a time of the monotonic clock: it runs on while a process is stopped."""
    began = time.monotonic()
    try:
        failpoints.passing("before_send")
        if time.monotonic() > ends:
            raise CallFailed(NO_TIME, had_effect_perhaps=False)
        with transport.until(ends):
            reply = call.run(ends - time.monotonic())
        failpoints.passing("after_reply")
        return time.monotonic() - began, reply, None
    except CallFailed as error:
        return time.monotonic() - began, None, error
    except Exception as error:  # whatever a call raises, the delivery must not be lost
        log.exception("a call failed in an unforeseen way", endpoint=call.endpoint)
        return time.monotonic() - began, None, CallFailed(f"our own fault: {type(error).__name__}")
