"""Executor of a stream's calls: starts them as the rate limiter and the limit of parallel calls allow.

Three kinds of threads: the courier's, which hands over claimed deliveries and collects outcomes; the starter, one per
executor; and a pool for the calls of all executors. Only the courier's thread uses the database.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from django.conf import settings

from integrations.http import transport
from integrations.http.client import DEADLINE_EXCEEDED, CallFailedError, Response
from integrations.outbox import clock
from integrations.outbox.handlers import Call, Handler
from integrations.outbox.leases import Lease
from integrations.outbox.models import Attempt, Delivery
from integrations.outbox.sending import failpoints, parking
from integrations.outbox.sending.rate_limiter import RateLimiter
from integrations.outbox.sending.settlement import Outcome

log = structlog.get_logger(__name__)

# A call that starts finds a thread: 32 coordinators have at most 8 calls and a request for a token each.
POOL_THREADS = 32 * 9 + parking.MAX_CALLS
CallResult = tuple[float, Response | None, CallFailedError | None]
call_pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="http")
stop_requested = threading.Event()  # this process ends: no call starts, and running calls are waited for


@dataclass(eq=False)
class ClaimedDelivery:
    """A delivery with its call. `attempt` is None until it is stored; `sent_in_window` is for the rate limiter."""

    delivery: Delivery
    handler: Handler
    call: Call
    token: str
    attempt: Attempt | None = None
    sent_in_window: int = 0

    def build_attempt(self) -> Attempt:
        """Build the call's attempt, not stored yet."""
        number = self.delivery.attempts_made + 1
        return Attempt(delivery=self.delivery, number=number, started_at=clock.now(), request=self.call.request)


class PacedExecutor:
    """Thread-safe queue of one courier's claimed deliveries and their outcomes."""

    def __init__(self, rate_limiter: RateLimiter, lease: Lease) -> None:
        self.rate_limiter, self.lease = rate_limiter, lease
        self.max_parallel = 1
        self._waiting: list[ClaimedDelivery] = []
        self._running_count = 0
        self._outcomes: list[Outcome] = []
        self._token_result: CallResult | None = None
        self.is_token_requested = False
        self._thread_error: BaseException | None = None
        self.is_suspended = self._is_closed = False
        # One lock for all of the above. Two conditions on it, so that a notification wakes the right thread.
        self._lock = threading.Lock()
        self._starter_wakeup, self._courier_wakeup = threading.Condition(self._lock), threading.Condition(self._lock)
        self._starter_thread = threading.Thread(target=self._run_starter, name="executor", daemon=True)

    # Called by the courier's thread

    def start_thread(self) -> None:
        self._starter_thread.start()

    def stop_thread(self) -> None:
        """Start no more calls."""
        with self._lock:
            self._is_closed = True
            self._starter_wakeup.notify()

    def add_claimed(self, claimed: Sequence[ClaimedDelivery]) -> None:
        with self._lock:
            self._waiting += claimed
            self._starter_wakeup.notify()

    def drain_waiting(self) -> list[ClaimedDelivery]:
        """Take back the deliveries that were not started."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            return waiting

    def collect_outcomes(self) -> list[Outcome]:
        """Return the new outcomes. Re-raises an exception that killed a call's thread: its call has no outcome."""
        with self._lock:
            if self._thread_error is not None:
                raise self._thread_error
            outcomes, self._outcomes = self._outcomes, []
            return outcomes

    def request_token(self, call: Call, deadline: float) -> None:
        """Make a call that is no delivery's, beside the others. It counts as running; its end wakes the courier."""
        ends_at = time.monotonic() + self.lease.clamp_seconds(deadline)
        with self._lock:
            self.is_token_requested = True
            self._running_count += 1
        call_pool.submit(self._run_token_call, call, ends_at)

    def collect_token_result(self) -> CallResult | None:
        with self._lock:
            result, self._token_result = self._token_result, None
            self.is_token_requested &= result is None
            return result

    def suspend_starts(self) -> None:
        """Start no call until `resume_starts`. An outcome that may concern the next calls does the same."""
        with self._lock:
            self.is_suspended = True

    def resume_starts(self, max_parallel: int, calls_per_second: float) -> None:
        with self._lock:
            self.is_suspended, self.max_parallel = False, max_parallel
            self.rate_limiter.interval = 1 / calls_per_second
            self._starter_wakeup.notify()

    def wait_for_event(self, seconds: float) -> None:
        """Wait until the executor needs the courier: all is done, starts are suspended, or an attempt is missing."""
        with self._lock:
            self._courier_wakeup.wait_for(self._needs_courier, seconds)

    @property
    def active_count(self) -> int:
        with self._lock:
            return self._active_count()

    @property
    def is_idle(self) -> bool:
        """True if no call waits or runs, and no outcome is left to collect."""
        with self._lock:
            return not self._active_count() and not self._needs_collecting()

    @property
    def needs_collecting(self) -> bool:
        """True if there is an outcome, a token, or an exception that killed a call's thread."""
        with self._lock:
            return self._needs_collecting()

    @property
    def uncollected_count(self) -> int:
        """Calls that run, or have ended without their outcome being collected."""
        with self._lock:
            return self._running_count + len(self._outcomes)

    def next_without_attempt(self) -> ClaimedDelivery | None:
        """Return the delivery that would start now if its attempt were stored."""
        with self._lock:
            return self._next_without_attempt()

    def attach_attempt(self, claimed: ClaimedDelivery, attempt: Attempt) -> None:
        """Allow the delivery to start: its attempt is committed."""
        with self._lock:
            claimed.attempt = attempt
            self._starter_wakeup.notify()

    def next_calls(self) -> dict[str, float]:
        """Return the rate limiter's times, to be stored with the stream."""
        with self._lock:
            return dict(self.rate_limiter.next_calls)

    # Called with the lock held

    def _active_count(self) -> int:
        return len(self._waiting) + self._running_count

    def _needs_collecting(self) -> bool:
        return bool(self._outcomes) or self._token_result is not None or self._thread_error is not None

    def _needs_courier(self) -> bool:
        return self.is_suspended or not self._active_count() or self._next_without_attempt() is not None

    def _next_without_attempt(self) -> ClaimedDelivery | None:
        claimed, seconds = self._next_call()
        return claimed if claimed and not seconds and claimed.attempt is None else None

    def _next_call(self) -> tuple[ClaimedDelivery | None, float | None]:
        """Return the waiting delivery that may start first, with the seconds until then, or (None, None)."""
        if self.is_suspended or self._is_closed or stop_requested.is_set() or self._running_count >= self.max_parallel:
            return None, None
        now = clock.now().timestamp()
        waits = [(self.rate_limiter.wait_seconds(claimed.call.endpoint, now), claimed) for claimed in self._waiting]
        seconds, first = min(waits, key=lambda wait: wait[0], default=(None, None))
        if first is not None:
            # With less than half of its deadline left in this lease, the call would time out. The next holder makes it.
            deadline = first.handler.deadline_seconds
            if self.lease.clamp_seconds(deadline) <= deadline * settings.OUTBOX_TIME_SCALE / 2:
                return None, None
        return first, seconds

    # The starter's thread

    def _run_starter(self) -> None:
        with self._lock:
            while not self._is_closed:
                claimed, seconds = self._next_call()
                if claimed is None or seconds:
                    self._starter_wakeup.wait(seconds)
                elif claimed.attempt is None:
                    # A call that cannot be repeated. Its attempt is stored only now, so that without an attempt it
                    # certainly had no effect. Storing needs the database, so the courier does it: attach_attempt.
                    self._courier_wakeup.notify()
                    self._starter_wakeup.wait()
                else:
                    self._start_call(claimed)

    def _start_call(self, claimed: ClaimedDelivery) -> None:
        # The deadline is a point in time, set here: a call that waits for a thread of the pool must not outlive the
        # lease, and finds its time used up instead.
        ends_at = time.monotonic() + self.lease.clamp_seconds(claimed.handler.deadline_seconds)
        call_pool.submit(self._run_call, claimed, ends_at)
        self.rate_limiter.reserve_slot(claimed.call.endpoint, clock.now().timestamp())
        self._waiting.remove(claimed)
        self._running_count += 1

    # The pool's threads

    def _run_call(self, claimed: ClaimedDelivery, ends_at: float) -> None:
        with self._report_death():
            result = run_with_deadline(claimed.call, ends_at, partial(self._record_send, claimed))
        self._finish_call(claimed, result)

    def _run_token_call(self, call: Call, ends_at: float) -> None:
        with self._report_death():
            result = run_with_deadline(call, ends_at)
        with self._lock:
            self._running_count -= 1
            self._token_result, self.is_suspended = result, True
            self._courier_wakeup.notify()

    @contextmanager
    def _report_death(self) -> Iterator[None]:
        """Let the courier die of the exception that kills this thread: it would wait for an outcome for ever."""
        try:
            yield
        except BaseException as fault:
            with self._lock:
                self._thread_error, self.is_suspended = fault, True
                self._courier_wakeup.notify()
            raise

    def _record_send(self, claimed: ClaimedDelivery) -> None:
        # With this many threads, the first byte may leave long after the call was started.
        with self._lock:
            claimed.sent_in_window = self.rate_limiter.record_send(claimed.call.endpoint, clock.now().timestamp())

    def _finish_call(self, claimed: ClaimedDelivery, result: CallResult) -> None:
        (seconds, response, error), now = result, clock.now()
        assert claimed.attempt is not None  # noqa: S101 (no call starts without one)
        claimed.attempt.started_at = now - timedelta(seconds=seconds)
        with self._lock:
            if response is not None:
                endpoint, count = claimed.call.endpoint, claimed.sent_in_window
                self.rate_limiter.adjust_rate(endpoint, response.headers, now.timestamp(), count)
            self._running_count -= 1
            self._outcomes.append(Outcome(claimed.delivery, claimed.attempt, claimed.token, seconds, response, error))
            # A refusal may concern the next calls too (a pause, a dead token), so the courier settles it before they
            # start. Successes are collected once a cycle, without waking it.
            self.is_suspended |= response is None or response.status >= 300
            self._starter_wakeup.notify()
            if self.is_suspended or not self._active_count():
                self._courier_wakeup.notify()


def run_with_deadline(call: Call, ends_at: float, on_first_byte: Callable[[], None] | None = None) -> CallResult:
    """Make the call and return (seconds, response, error). `ends_at` is monotonic, which runs on in a stopped process.

    Any exception becomes an error: a delivery must not be lost.
    """
    started_at = time.monotonic()
    try:
        failpoints.maybe_crash("before_send")
        if time.monotonic() > ends_at:
            raise CallFailedError(DEADLINE_EXCEEDED, may_have_been_processed=False)
        with transport.call_options(not_after=ends_at, on_first_byte=on_first_byte):
            response = call.run(ends_at - time.monotonic())
        failpoints.maybe_crash("after_reply")
        return time.monotonic() - started_at, response, None
    except CallFailedError as error:
        return time.monotonic() - started_at, None, error
    except Exception as error:
        log.exception("call failed unexpectedly", endpoint=call.endpoint)
        return time.monotonic() - started_at, None, CallFailedError(f"internal error: {type(error).__name__}")
