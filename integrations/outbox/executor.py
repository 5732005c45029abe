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
from integrations.http.client import DEADLINE_EXCEEDED, CallFailedError, Response
from integrations.outbox import clock, failpoints
from integrations.outbox.handlers import Call, Handler
from integrations.outbox.leases import Lease
from integrations.outbox.models import Attempt, Delivery
from integrations.outbox.rate_limiter import RateLimiter
from integrations.outbox.settlement import Outcome

log = structlog.get_logger(__name__)

POOL_THREADS = 256

CallResult = tuple[float, Response | None, CallFailedError | None]
call_pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="http")
stop_requested = threading.Event()
"""Set when this process is asked to end: no call starts any more, those on their way are waited for."""


@dataclass(eq=False)
class ClaimedDelivery:
    """A delivery in our hands with its call built. A call that cannot be repeated gets its attempt only when its turn
    has come: until then it certainly had no effect."""

    delivery: Delivery
    handler: Handler
    call: Call
    token: str
    attempt: Attempt | None = None
    sent_in_window: int = 0
    """Calls of ours to this endpoint in the second that ended when it went out, itself included."""

    def build_attempt(self) -> Attempt:
        """For its call, not stored yet."""
        number = self.delivery.attempts_made + 1
        return Attempt(delivery=self.delivery, number=number, started_at=clock.now(), request=self.call.request)


class PacedExecutor:
    """Used by one coordinator, which puts in what it has claimed and takes out what came back."""

    def __init__(self, rate_limiter: RateLimiter, lease: Lease, time_scale: float) -> None:
        self.rate_limiter, self.lease, self.time_scale = rate_limiter, lease, time_scale
        self.max_parallel = 1
        self._waiting: list[ClaimedDelivery] = []
        self._running_count = 0
        self._outcomes: list[Outcome] = []
        self._thread_error: BaseException | None = None
        self._is_suspended = self._is_closed = False
        lock = threading.Lock()
        self._starter_wakeup, self._courier_wakeup = threading.Condition(lock), threading.Condition(lock)
        self._starter_thread = threading.Thread(target=self._run_starter, name="executor", daemon=True)

    # For the coordinator

    def start_thread(self) -> None:
        self._starter_thread.start()

    def stop_thread(self) -> None:
        """No call starts any more."""
        with self._starter_wakeup:
            self._is_closed = True
            self._starter_wakeup.notify()

    def add_claimed(self, claimed: Sequence[ClaimedDelivery]) -> None:
        with self._starter_wakeup:
            self._waiting += claimed
            self._starter_wakeup.notify()

    def drain_waiting(self) -> list[ClaimedDelivery]:
        """What has not begun, and does not begin any more."""
        with self._starter_wakeup:
            waiting, self._waiting = self._waiting, []
            return waiting

    def collect_outcomes(self) -> list[Outcome]:
        """What came back since it was last asked for. Raises what ended a call's thread: nobody knows of that call."""
        with self._starter_wakeup:
            if self._thread_error is not None:
                raise self._thread_error
            returned, self._outcomes = self._outcomes, []
            return returned

    def suspend_starts(self) -> None:
        """No call starts until `go_on`. An answer that may concern the calls to come does so by itself."""
        with self._starter_wakeup:
            self._is_suspended = True

    def resume_starts(self, max_parallel: int) -> None:
        """So many calls at a time."""
        with self._starter_wakeup:
            self._is_suspended, self.max_parallel = False, max_parallel
            self._starter_wakeup.notify()

    def wait_for_event(self, seconds: float) -> None:
        """Until something concerns the coordinator: all is done, a trouble came back, or a call asks to begin."""
        with self._courier_wakeup:
            self._courier_wakeup.wait_for(self._needs_courier, seconds)

    @property
    def active_count(self) -> int:
        """Calls that wait or are on their way."""
        return len(self._waiting) + self._running_count

    @property
    def uncollected_count(self) -> int:
        """Calls on their way, or come back and not taken out."""
        with self._starter_wakeup:
            return self._running_count + len(self._outcomes)

    @property
    def is_suspended(self) -> bool:
        return self._is_suspended

    def next_without_attempt(self) -> ClaimedDelivery | None:
        """One whose turn has come, and whose attempt has to be written before it may `begin`."""
        with self._starter_wakeup:
            return self._next_without_attempt()

    def attach_attempt(self, claimed: ClaimedDelivery, attempt: Attempt) -> None:
        """Its attempt is stored."""
        with self._starter_wakeup:
            claimed.attempt = attempt
            self._starter_wakeup.notify()

    def next_calls(self) -> dict[str, float]:
        with self._starter_wakeup:
            return dict(self.rate_limiter.next_calls)

    # The starter's

    def _run_starter(self) -> None:
        with self._starter_wakeup:
            while not self._is_closed:
                claimed = self._next_startable()
                if claimed is None:
                    self._starter_wakeup.wait()
                elif pause := self._wait_seconds(claimed, _epoch_now()):
                    self._starter_wakeup.wait(pause)
                elif claimed.attempt is None:
                    self._courier_wakeup.notify()
                    self._starter_wakeup.wait()
                else:
                    self._start_call(claimed)

    def _next_startable(self) -> ClaimedDelivery | None:
        """Which of those that wait may start first, if any may."""
        if self._is_suspended or self._is_closed or stop_requested.is_set() or self._running_count >= self.max_parallel:
            return None
        now = _epoch_now()
        first = min(self._waiting, key=lambda claimed: self._wait_seconds(claimed, now), default=None)
        if first is None:
            return None
        wanted = first.handler.deadline_seconds
        return first if self.lease.clamp_seconds(wanted) > wanted * self.time_scale / 2 else None

    def _wait_seconds(self, claimed: ClaimedDelivery, now: float) -> float:
        return self.rate_limiter.wait_seconds(claimed.call.endpoint, now)

    def _next_without_attempt(self) -> ClaimedDelivery | None:
        first = self._next_startable()
        return first if first and first.attempt is None and not self._wait_seconds(first, _epoch_now()) else None

    def _start_call(self, claimed: ClaimedDelivery) -> None:
        call_pool.submit(
            self._run_call, claimed, time.monotonic() + self.lease.clamp_seconds(claimed.handler.deadline_seconds)
        )
        self.rate_limiter.reserve_slot(claimed.call.endpoint, _epoch_now())
        self._waiting.remove(claimed)
        self._running_count += 1

    def _needs_courier(self) -> bool:
        return self._is_suspended or not self.active_count or self._next_without_attempt() is not None

    # The pool's

    def _run_call(self, claimed: ClaimedDelivery, ends_at: float) -> None:
        try:
            with transport.on_first_byte(partial(self._record_send, claimed)):
                seconds, reply, error = run_with_deadline(claimed.call, ends_at)
        except BaseException as fault:
            with self._starter_wakeup:
                self._thread_error, self._is_suspended = fault, True
                self._courier_wakeup.notify()
            raise
        self._finish_call(claimed, seconds, reply, error)

    def _record_send(self, claimed: ClaimedDelivery) -> None:
        """With so many threads at work, that may be much later than it was started."""
        with self._starter_wakeup:
            claimed.sent_in_window = self.rate_limiter.record_send(claimed.call.endpoint, _epoch_now())

    def _finish_call(
        self, claimed: ClaimedDelivery, seconds: float, response: Response | None, error: CallFailedError | None
    ) -> None:
        now = clock.now()
        assert claimed.attempt is not None  # noqa: S101 (nothing starts without)
        claimed.attempt.started_at = now - timedelta(seconds=seconds)
        with self._starter_wakeup:
            if response is not None:
                self.rate_limiter.adjust_rate(
                    claimed.call.endpoint, response.headers, now.timestamp(), claimed.sent_in_window
                )
            self._running_count -= 1
            self._outcomes.append(Outcome(claimed.delivery, claimed.attempt, claimed.token, seconds, response, error))
            self._is_suspended |= response is None or response.status >= 300
            self._starter_wakeup.notify()
            if self._is_suspended or not self.active_count:
                self._courier_wakeup.notify()


def _epoch_now() -> float:
    """In epoch seconds, as the pace counts."""
    return clock.now().timestamp()


def run_with_deadline(call: Call, ends_at: float) -> CallResult:
    """Make the call before `ends`, a time of the monotonic clock: it runs on while a process is stopped."""
    began = time.monotonic()
    try:
        failpoints.maybe_crash("before_send")
        if time.monotonic() > ends_at:
            raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False)
        with transport.cap_deadline(ends_at):
            reply = call.run(ends_at - time.monotonic())
        failpoints.maybe_crash("after_reply")
        return time.monotonic() - began, reply, None
    except CallFailedError as error:
        return time.monotonic() - began, None, error
    except Exception as error:  # whatever a call raises, the delivery must not be lost
        log.exception("a call failed in an unforeseen way", endpoint=call.endpoint)
        return time.monotonic() - began, None, CallFailedError(f"our own fault: {type(error).__name__}")
