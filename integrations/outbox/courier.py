"""Courier: the loop that sends one stream's deliveries while it holds the lease.

Sequence diagram and invariants: `integrations/outbox/README.md`.
"""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import close_old_connections, transaction

from integrations.database.write_lock import hold_write_lock
from integrations.outbox import clock, leases
from integrations.outbox.handlers import get_channel
from integrations.outbox.leases import Lease, LeaseLostError
from integrations.outbox.models import Stream
from integrations.outbox.sending import failpoints, parking
from integrations.outbox.sending.claims import Claims
from integrations.outbox.sending.executor import ClaimedDelivery, PacedExecutor, stop_requested
from integrations.outbox.sending.rate_limiter import RateLimiter
from integrations.outbox.sending.settlement import DATABASE_UNAVAILABLE, Outcome, Settlement
from integrations.outbox.sending.tokens import TokenSource

log = structlog.get_logger(__name__)

SLICE_SECONDS = 2.0
STARVED_AFTER_SECONDS = 0.5  # a stream that was woken this long ago finds no free courier
CYCLE_SECONDS = 1.0
RENEW_BELOW_FRACTION = 0.8  # of the lease: calls that start before the next cycle have this much of it left
WRITE_RETRY_SECONDS = 0.5

T = TypeVar("T")


def run(stream_id: int) -> None:
    """Send the due deliveries of a stream, as long as there are any and no other stream waits for a courier."""
    close_old_connections()
    stream = Stream.objects.get(pk=stream_id)
    lease = leases.acquire(stream_id, get_channel(stream).lease_seconds)
    if lease is None:
        return
    try:
        Courier(lease).run_cycles()
    except LeaseLostError:
        log.warning("lease lost to another courier", stream=stream.name)


class Courier:
    """Coordinator of one stream, and its only writer.

    A cycle settles outcomes and claims the next deliveries in one transaction. Between cycles the executor makes calls.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.stream = Stream.objects.get(pk=lease.stream_id)
        self.channel = get_channel(self.stream)
        self.settlement = Settlement(self.stream, self.channel)
        self.limits = self.channel.get_limits(self.stream)
        now = clock.now().timestamp()
        limiter = RateLimiter.from_stored(self.limits.calls_per_second, self.stream.next_calls, now)
        self.executor = PacedExecutor(limiter, lease)
        self.tokens = TokenSource(lease, self.settlement, self.executor)
        self.claims = Claims(lease, self.settlement, self.tokens)
        self.unsettled: list[Outcome] = []
        self.unstarted: list[ClaimedDelivery] = []
        self.next_cycle_at = 0.0
        self.look_for_others_at = time.monotonic() + SLICE_SECONDS
        self.has_others_waiting = self.was_interrupted = False

    def run_cycles(self) -> None:
        """Run until all is done, or until there is only to wait while another stream waits for a courier: then park.

        While the database is down, wait as long as the lease lasts.
        """
        with contextlib.ExitStack() as on_exit:
            on_exit.callback(self.close)
            self.executor.start_thread()
            self._retry_on_outage(self.claims.recover_orphans)
            while self._retry_on_outage(self._run_step):
                if self.has_others_waiting and not self.executor.is_idle:
                    self.executor.stop_thread()
                    if parking.park(self):
                        on_exit.pop_all()  # it is the parking's from here on, which closes it
                        return

    @property
    def unsettled_count(self) -> int:
        """Calls that run or are not settled."""
        return self.executor.uncollected_count + len(self.unsettled)

    def settle_outcomes(self) -> None:
        """Settle the outcomes that came back, for a parked courier. While the database is down, leave it for later."""
        try:
            if self.executor.needs_collecting or self.unsettled or self._is_lease_short():
                self._run_cycle()
        except DATABASE_UNAVAILABLE:
            if not self._can_write_later():
                raise

    def close(self) -> None:
        """Start no more calls, and release the lease."""
        self.executor.stop_thread()
        # After an exception, calls may still run, or their outcomes be lost. They end within the lease, so the
        # lease is left to expire: a successor that started now could overtake them.
        if not self.unsettled_count:
            self._release_unstarted()
            self.lease.release(next_calls=self.executor.next_calls())

    def _run_step(self) -> bool:
        """Wait for the executor, then run a cycle if it is due. Return False when all is done."""
        self.executor.wait_for_event(self.next_cycle_at - time.monotonic())
        if claimed := self.executor.next_without_attempt():
            attempt = claimed.build_attempt()
            attempt.save()  # committed before the call starts
            self.executor.attach_attempt(claimed, attempt)
        has_settled = self._is_cycle_due() and self._run_cycle()
        # Not `active_count`: a call may have ended since the cycle, and its delivery would stay in flight until the
        # lease expires. After settling, another cycle: a delivery may be due again at once.
        return has_settled or not self.executor.is_idle

    def _is_cycle_due(self) -> bool:
        """Return True once a second, or at once when the executor is idle or an outcome suspended its starts."""
        return time.monotonic() >= self.next_cycle_at or not self.executor.active_count or self.executor.is_suspended

    def _run_cycle(self) -> bool:
        """Settle the collected outcomes and claim the next deliveries. Return True if there were outcomes."""
        # Renewed early, so that a call that starts in this cycle has its full deadline within the lease.
        if self._is_lease_short():
            self.lease.renew()
        self._look_for_others()
        self.limits = self.channel.get_limits(self.stream)
        self.unsettled += self.executor.collect_outcomes()
        if (token_result := self.executor.collect_token_result()) is not None:
            self.tokens.settle_request(token_result)
        # A 401 may end the token: calls built now would carry the dead one. Settling comes first, in the same cycle.
        has_dead_token = any(outcome.status == 401 for outcome in self.unsettled)
        has_settled = bool(self.unsettled)
        # Built before the transaction, which is to be short.
        prepared = [] if has_dead_token or self._must_stop() else self.claims.build_calls(self._claim_limit())
        if has_settled:
            failpoints.maybe_crash("before_settle")
        self._commit_cycle(prepared)
        failpoints.maybe_crash("after_settle" if has_settled else "claimed")
        # Deliveries that were claimed earlier carry the dead token, too, or must not start any more: put them back.
        if has_dead_token or self._must_stop():
            self._release_unstarted()
        self.executor.resume_starts(self._max_parallel(), self.limits.calls_per_second)
        self.next_cycle_at = time.monotonic() + CYCLE_SECONDS
        return has_settled

    def _is_lease_short(self) -> bool:
        return self.lease.remaining_seconds < self.lease.seconds * RENEW_BELOW_FRACTION

    def _commit_cycle(self, prepared: Sequence[ClaimedDelivery] = ()) -> None:
        """Settle and claim in one transaction. If it fails, `unsettled` is kept and written again."""
        with hold_write_lock(), transaction.atomic():
            # First, since it locks the stream's row and raises LeaseLostError for a former holder.
            self.lease.update_stream(next_calls=self.executor.next_calls())
            self.stream.refresh_from_db()
            self.settlement.settle_all(self.unsettled)
            claimed = [] if self._must_stop() else self.claims.claim(prepared)
        # After the commit: what is handed over may start at once.
        self.unsettled.clear()
        self.executor.add_claimed(claimed)

    def _look_for_others(self) -> None:
        """Make way if another stream finds no free courier: after a slice of time, or a cycle without an outcome."""
        now, has_outcome = time.monotonic(), self.executor.needs_collecting or self.unsettled
        is_slice_over = now >= self.look_for_others_at or (self.executor.active_count and not has_outcome)
        if self.has_others_waiting or not is_slice_over:
            return
        self.look_for_others_at = max(self.look_for_others_at, now + SLICE_SECONDS / 4)
        woken_before = clock.now() - timedelta(seconds=STARVED_AFTER_SECONDS) * settings.OUTBOX_TIME_SCALE
        self.has_others_waiting = Stream.objects.filter(
            leases.unleased_filter(clock.now()), woken_at__lte=woken_before
        ).exists()

    def _must_stop(self) -> bool:
        """Return True if no call may start."""
        if self.stream.held_reason or self.stream.is_paused or stop_requested.is_set():
            return True
        # A write was interrupted, and may have been committed all the same. Its claims are unknown here, and only the
        # next holder finds them (`recover_orphans`): so give the stream back soon.
        return self.was_interrupted or self.has_others_waiting

    def _max_parallel(self) -> int:
        return 1 if self.stream.is_probing else self.limits.max_parallel

    def _claim_limit(self) -> int:
        """Return how many deliveries to claim: enough to keep up the rate until the next cycle."""
        per_second = 0.0 if self.stream.is_probing else min(self.limits.calls_per_second, 10)
        return self._max_parallel() + math.ceil(per_second * CYCLE_SECONDS) - self.executor.active_count

    def _release_unstarted(self) -> None:
        # Kept in `unstarted` until the write succeeds, which an outage of the database may delay.
        self.unstarted += self.executor.drain_waiting()
        self.claims.release(self.unstarted)
        self.unstarted.clear()

    def _retry_on_outage(self, write: Callable[[], T]) -> T:
        """Repeat `write` while the database is down. No call starts meanwhile. Raises near the end of the lease."""
        while True:
            try:
                return write()
            except DATABASE_UNAVAILABLE:
                if not self._can_write_later():
                    raise
                time.sleep(WRITE_RETRY_SECONDS)
                close_old_connections()

    def _can_write_later(self) -> bool:
        """Start no call while the database is down, and return whether the lease lasts long enough to write again."""
        self.was_interrupted = True
        self.executor.suspend_starts()
        log.warning("database unavailable", stream=self.stream.name)
        margin: float = leases.MARGIN_SECONDS * settings.OUTBOX_TIME_SCALE
        return self.lease.remaining_seconds >= margin
