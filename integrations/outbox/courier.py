"""The courier: carries the deliveries of one stream under its lease (DESIGN.md, "The way of an order").

One coordinator per stream, the only one that writes; the calls start and end on the stream's line, which never touches
the database. It commits before a call goes out, and no transaction spans one.
"""

import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from integrations.database.write_lock import hold_write_lock
from integrations.http.client import CallFailedError, Response
from integrations.outbox import clock, failpoints, leases
from integrations.outbox.executor import ClaimedDelivery, PacedExecutor, call_pool, stop_requested
from integrations.outbox.handlers import Call, UndeliverableError, get_channel, get_handler, superseding_kinds
from integrations.outbox.leases import Lease, LeaseLostError
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.rate_limiter import RateLimiter
from integrations.outbox.settlement import DATABASE_UNAVAILABLE, Outcome, Settlement

log = structlog.get_logger(__name__)

SLICE_SECONDS = 2.0
STARVED_AFTER_SECONDS = 0.5
"""A stream that was woken so long ago finds no courier free."""
CYCLE_SECONDS = 1.0
TOKEN_DEADLINE_SECONDS = 25.0
RENEW_BELOW_FRACTION = 0.8
"""Of the lease's seconds: so much is left for the calls that start before the next round."""
WRITE_RETRY_SECONDS = 0.5

S = DeliveryState
T = TypeVar("T")


def run(stream_id: int) -> None:
    """Carry what is due in this stream, as long as there is something and nobody else waits longer than a slice."""
    close_old_connections()
    stream = Stream.objects.get(pk=stream_id)
    lease = leases.acquire(stream_id, get_channel(stream).lease_seconds)
    if lease is None:
        return
    try:
        Courier(lease).run_cycles()
    except LeaseLostError:
        log.warning("lease lost: another courier carries on", stream=stream.name)


class Courier:
    """Works in rounds: what came back is settled and the next deliveries are claimed in one transaction; between two
    rounds the line starts the calls."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.stream = Stream.objects.get(pk=lease.stream_id)
        self.channel = get_channel(self.stream)
        self.time_scale: float = settings.OUTBOX_TIME_SCALE
        pace = RateLimiter.from_stored(self.channel.calls_per_second, self.stream.next_calls, clock.now().timestamp())
        self.executor = PacedExecutor(pace, lease, self.time_scale)
        self.unsettled: list[Outcome] = []
        self.unstarted: list[ClaimedDelivery] = []
        self.next_cycle_at = 0.0
        self.started_at = self.others_checked_at = time.monotonic()
        self.has_others_waiting = self.was_interrupted = False

    def run_cycles(self) -> None:
        """Until nothing is left to do. A database that is away is waited for, as long as the lease lasts."""
        self.executor.start_thread()
        try:
            self._retry_on_outage(self._recover_orphans)
            while self._retry_on_outage(self._run_step):
                pass
        finally:
            self.executor.stop_thread()
            # Calls on their way end within the lease; until then nobody else may begin.
            if not self.executor.uncollected_count and not self.unsettled:
                self._release_unstarted()
                self.lease.release(next_calls=self.executor.next_calls())

    def _run_step(self) -> bool:
        """Write if it is time, and wait for what comes back. False: nothing left to do."""
        has_settled = self._is_cycle_due() and self._run_cycle()
        if not self.executor.active_count:
            return has_settled  # what was settled may be due again at once
        self.executor.wait_for_event(self.next_cycle_at - time.monotonic())
        if claimed := self.executor.next_without_attempt():
            attempt = claimed.build_attempt()
            attempt.save()
            self.executor.attach_attempt(claimed, attempt)
        return True

    def _is_cycle_due(self) -> bool:
        """Now and then; at once when nothing else is to do, or when an answer may concern the calls to come."""
        return time.monotonic() >= self.next_cycle_at or not self.executor.active_count or self.executor.is_suspended

    def _run_cycle(self) -> bool:
        """Settle what came back and claim what is next. Was there anything to settle?"""
        if self.lease.remaining_seconds < self.lease.seconds * RENEW_BELOW_FRACTION:
            self.lease.renew()
        self.unsettled += self.executor.collect_outcomes()
        has_settled, has_dead_token = bool(self.unsettled), any(outcome.status == 401 for outcome in self.unsettled)
        fresh = [] if has_dead_token or self._must_stop() else self._build_calls()
        if has_settled:
            failpoints.maybe_crash("before_settle")
        self._commit_cycle(fresh)
        failpoints.maybe_crash("after_settle" if has_settled else "claimed")
        if has_dead_token or self._must_stop():
            self._release_unstarted()
        self.executor.resume_starts(self._max_parallel())
        self.next_cycle_at = time.monotonic() + CYCLE_SECONDS
        return has_settled

    def _commit_cycle(self, prepared: Sequence[ClaimedDelivery] = ()) -> None:
        """One transaction of this stream's holder; if it fails, what came back is still in our hands."""
        with hold_write_lock(), transaction.atomic():
            self.lease.update_stream(next_calls=self.executor.next_calls())
            self.stream.refresh_from_db()
            Settlement(self.stream, self.channel).settle_all(self.unsettled)
            claimed = [] if self._must_stop() else self._claim_deliveries(prepared)
        self.unsettled.clear()
        self.executor.add_claimed(claimed)

    def _must_stop(self) -> bool:
        """Nothing is to begin: the stream is held or pauses, the process ends, others have waited for a slice, or a
        write was interrupted: if it had its effect all the same, the next holder finds what was claimed by it."""
        if self.stream.held_reason or (self.stream.paused_until and self.stream.paused_until > clock.now()):
            return True
        if stop_requested.is_set() or self.was_interrupted:
            return True
        now = time.monotonic()
        if now - self.started_at > SLICE_SECONDS and now - self.others_checked_at > SLICE_SECONDS / 4:
            self.others_checked_at = now
            woken_before = clock.now() - timedelta(seconds=STARVED_AFTER_SECONDS) * self.time_scale
            self.has_others_waiting = Stream.objects.filter(
                leases.unleased_filter(clock.now()), woken_at__lte=woken_before
            ).exists()
        return self.has_others_waiting

    # Claiming

    @transaction.atomic
    def _recover_orphans(self) -> None:
        """What a dead holder left in flight: nobody knows whether it had its effect."""
        self.lease.renew()  # locks the row: what is in flight by now is no successor's of ours
        for delivery in Delivery.objects.filter(stream=self.stream, state=S.IN_FLIGHT):
            lost = Delivery.objects.filter(pk=delivery.pk, state=S.IN_FLIGHT, fence=delivery.fence)
            had_begun = delivery.attempts.filter(outcome="").update(outcome="lost") > 0
            is_ambiguous = had_begun or delivery.is_ambiguous
            if had_begun and not get_handler(delivery).is_idempotent:
                lost.update(state=S.UNKNOWN, is_ambiguous=True, reason="the courier died while it was on its way")
                get_handler(delivery).on_unknown(delivery)
            elif get_handler(delivery).is_superseding and self._has_newer(delivery):
                lost.update(state=S.SUPERSEDED, reason="a newer one says more", finished_at=clock.now())
            elif self.stream.held_reason:
                lost.update(state=S.HELD, reason=self.stream.held_reason, is_ambiguous=is_ambiguous)
            else:
                lost.update(state=S.PENDING, due_at=clock.now(), is_ambiguous=is_ambiguous)

    @staticmethod
    def _has_newer(delivery: Delivery) -> bool:
        """One that waits under the same key."""
        later = Delivery.objects.filter(key=delivery.key, pk__gt=delivery.pk)
        return later.filter(state__in=[S.PENDING, S.HELD]).exists()

    def _due_deliveries(self) -> QuerySet[Delivery]:
        """Due, results first; within a key only the oldest that is not done, and none beside one in flight.

        One that failed while a newer one was being decided waits for its time unseen by that: it is needless.
        """
        now, same_key = clock.now(), Delivery.objects.filter(key=OuterRef("key"))
        older = same_key.filter(state=S.PENDING, pk__lt=OuterRef("pk")).exclude(
            kind__in=superseding_kinds(), due_at__gt=now
        )
        due = (
            Delivery.objects.filter(stream=self.stream, state=S.PENDING, due_at__lte=now)
            .exclude(Exists(older))
            .exclude(Exists(same_key.filter(state=S.IN_FLIGHT)))
        )
        if not self.stream.paused_by_key:
            return due.order_by("priority", "due_at", "pk")  # as the index has them, however many wait
        refused_last = Case(When(key=self.stream.paused_by_key, then=Value(1)), default=Value(0))
        return due.order_by(refused_last, "priority", "due_at", "pk")

    def _max_parallel(self) -> int:
        """Calls of one credential at a time; one alone after a pause (the probe)."""
        return 1 if self.stream.pause_seconds else self.channel.max_parallel

    def _claim_limit(self) -> int:
        """How many to claim: enough to keep the pace until the next round."""
        ahead = 0 if self.stream.pause_seconds else math.ceil(min(self.channel.calls_per_second, 10) * CYCLE_SECONDS)
        return self._max_parallel() + ahead - self.executor.active_count

    def _build_calls(self) -> list[ClaimedDelivery]:
        """The next deliveries with their calls built, not yet claimed: reads only, so that the claim is short."""
        room = self._claim_limit()
        found = list(self._due_deliveries()[:room]) if room > 0 else []
        if not found or not (token := self._get_token()):
            return []
        self._prefetch_by_kind(found)
        return [claimed for delivery in found if (claimed := self._build_call(delivery, token))]

    @staticmethod
    def _prefetch_by_kind(found: Sequence[Delivery]) -> None:
        for kind in {delivery.kind for delivery in found}:
            alike = [delivery for delivery in found if delivery.kind == kind]
            try:
                get_handler(alike[0]).prefetch(alike)
            except DATABASE_UNAVAILABLE:
                raise
            except Exception:  # a bug of ours, and perhaps of one of them: each is read by itself
                log.exception("deliveries cannot be read together", kind=kind)

    def _build_call(self, delivery: Delivery, token: str) -> ClaimedDelivery | None:
        """Build the call, unless it is not wanted any more or can never be made."""
        handler = get_handler(delivery)
        mine = Delivery.objects.filter(pk=delivery.pk, state=S.PENDING)
        try:
            if reason := handler.skip_reason(delivery):
                mine.update(state=S.SUPERSEDED, reason=reason, finished_at=clock.now())
                return None
            if handler.is_blocked(delivery):
                mine.update(due_at=clock.now() + timedelta(seconds=1) * self.time_scale)
                return None
            return ClaimedDelivery(delivery, handler, handler.build_call(delivery, token), token)
        except UndeliverableError as error:
            with transaction.atomic():
                if mine.update(state=S.FAILED, reason=str(error)[:500], finished_at=clock.now()):
                    handler.on_failed(delivery, None, str(error))
        except DATABASE_UNAVAILABLE:
            raise
        except Exception as error:  # a bug of ours stops this delivery, not the others
            log.exception("a call cannot be built", delivery=delivery.pk, kind=delivery.kind)
            fault = CallFailedError(f"our own fault: {type(error).__name__}", may_have_been_processed=False)
            self._record_build_failure(ClaimedDelivery(delivery, handler, Call("none", _raise_not_built), token), fault)
        return None

    @transaction.atomic
    def _record_build_failure(self, broken: ClaimedDelivery, fault: CallFailedError) -> None:
        """An attempt that never was, with its reason."""
        for claimed in self._claim_deliveries([broken]):
            attempt = claimed.attempt or claimed.build_attempt()
            attempt.save()
            Settlement(self.stream, self.channel).settle_outcome(
                Outcome(claimed.delivery, attempt, error=fault), claimed.handler
            )

    def _claim_deliveries(self, prepared: Sequence[ClaimedDelivery]) -> list[ClaimedDelivery]:
        """Compare-and-set: what is still waiting is ours now, with an attempt written before its call goes out."""
        fence, ids = self.lease.fence, [claimed.delivery.pk for claimed in prepared]
        won = Delivery.objects.filter(pk__in=ids, state=S.PENDING).update(
            state=S.IN_FLIGHT, fence=fence, attempts_made=F("attempts_made") + 1
        )
        if won < len(ids):
            kept = set(Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=fence).values_list("pk", flat=True))
            prepared = [each for each in prepared if each.delivery.pk in kept]
        for claimed in prepared:
            claimed.delivery.state, claimed.delivery.fence = S.IN_FLIGHT, fence
        repeatable = [claimed for claimed in prepared if claimed.handler.is_idempotent]
        for claimed in repeatable:
            claimed.attempt = claimed.build_attempt()
        Attempt.objects.bulk_create(claimed.attempt for claimed in repeatable if claimed.attempt)
        return list(prepared)

    def _release_unstarted(self) -> None:
        """Claimed and not begun: as if it had never been taken."""
        self.unstarted += self.executor.drain_waiting()
        ids = [claimed.delivery.pk for claimed in self.unstarted]
        if not ids:
            return
        state = S.HELD if self.stream.held_reason else S.PENDING
        with hold_write_lock(), transaction.atomic():
            Attempt.objects.filter(pk__in=[c.attempt.pk for c in self.unstarted if c.attempt]).delete()
            Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=self.lease.fence).update(
                state=state, reason=self.stream.held_reason, attempts_made=F("attempts_made") - 1
            )
        self.unstarted.clear()

    # The credential

    def _get_token(self) -> str:
        """A token that is good, a new one if need be; "" when there is none now. Streams without tokens say "-"."""
        if not self.channel.needs_token:
            return "-"
        return self.channel.stored_token(self.stream) or self._request_token()

    def _request_token(self) -> str:
        settlement, pair = Settlement(self.stream, self.channel), self.channel.credentials_id(self.stream)
        try:
            call = self.channel.build_token_call(self.stream)
            reply = call_pool.submit(call.run, self.lease.clamp_seconds(TOKEN_DEADLINE_SECONDS)).result()
            if reply.status == 200:
                return self.channel.store_token(self.stream, reply)
        except UndeliverableError as error:
            settlement.mark_credentials_refused(str(error), pair)
            return ""
        except CallFailedError as error:
            log.warning("no token", stream=self.stream.name, error=str(error))
            settlement.pause_stream(None, "")
            return ""
        if reply.status in (400, 401, 403):
            settlement.mark_credentials_refused(
                f"SmartRecruiters' token endpoint refuses the pair ({reply.status}).", pair
            )
        else:
            settlement.pause_stream(reply.headers.get("Retry-After"), "")
        return ""

    def _retry_on_outage(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except DATABASE_UNAVAILABLE:
                self.was_interrupted = True
                self.executor.suspend_starts()
                if self.lease.remaining_seconds < leases.MARGIN_SECONDS * self.time_scale:
                    raise
                log.warning("database away, writing again", stream=self.stream.name)
                time.sleep(WRITE_RETRY_SECONDS)
                close_old_connections()


def _raise_not_built(_deadline: float) -> Response:
    raise CallFailedError("this call could not be built", may_have_been_processed=False)
