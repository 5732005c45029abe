"""The courier: carries the deliveries of one stream under its lease (DESIGN.md, "The way of an order").

One coordinator per stream, the only one that writes; the HTTP calls of all coordinators share one pool of threads that
never touches the database. It commits before a call goes out, and no transaction spans one.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

import structlog
from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from integrations.door import NO_TIME, CallFailed, Reply
from integrations.outbox import clock, failpoints, leases
from integrations.outbox.handlers import Call, Handler, Undeliverable, channel_of, handler_of
from integrations.outbox.leases import Lease, LeaseLost
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.pace import Pace
from integrations.outbox.settlement import AWAY, Outcome, Settlement

log = structlog.get_logger(__name__)

POOL_THREADS = 128
SLICE_SECONDS = 2.0
TOKEN_SECONDS = 25.0
LEASE_MARGIN = 5.0
WRITE_AGAIN_SECONDS = 0.5

S = DeliveryState
T = TypeVar("T")
Timed = tuple[float, Reply | None, CallFailed | None]
pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="http")
stopping = Event()
"""Set when this process is asked to end: no call starts any more, those on their way are waited for."""


@dataclass
class Claimed:
    """A delivery in our hands: claimed in the database, its call built, waiting for its turn or on its way."""

    delivery: Delivery
    handler: Handler
    call: Call
    token: str


def carry(stream_id: int) -> None:
    """Carry what is due in this stream, as long as there is something and nobody else waits longer than a slice."""
    close_old_connections()
    stream = Stream.objects.get(pk=stream_id)
    lease = leases.take(stream_id, channel_of(stream).lease_seconds)
    if lease is None:
        return
    try:
        Coordinator(lease).run()
    except LeaseLost:
        log.warning("lease lost: another courier carries on", stream=stream.name)


class Coordinator:
    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.stream = Stream.objects.get(pk=lease.stream_id)
        self.channel = channel_of(self.stream)
        self.scale: float = settings.OUTBOX_TIME_SCALE
        self.pace = Pace.resume(self.channel.calls_a_second, self.stream.next_calls, clock.now().timestamp())
        self.ready: list[Claimed] = []
        self.running: dict[Future[Timed], tuple[Claimed, Attempt]] = {}
        self.began = self.looked_around = time.monotonic()
        self.others_wait = False

    def run(self) -> None:
        """Until nothing is left to do. A database that is away is waited for, as long as the lease lasts."""
        try:
            self._persistently(self._take_over)
            while self._persistently(self._step):
                pass
        finally:
            # Calls on their way end within the lease; until then nobody else may begin.
            if not self.running:
                self._put_back()
                self.lease.give_back(next_calls=self.pace.next_calls)

    def _step(self) -> bool:
        """One round: settle what came back, claim, start what may start, wait. False: nothing left to do."""
        self._settle(self._finished())
        if self.lease.remaining < self.lease.seconds / 2:
            self.lease.renew()
        self.stream.refresh_from_db()
        if self._may_go_on():
            self._claim()
        else:
            self._put_back()
        self._start()
        if not self.running and not self.ready:
            return False
        waits = [self._wait(claimed) for claimed in self.ready] or [1.0]
        pause = max(0.001, min(*waits, 1.0))
        if self.running:
            wait(self.running, timeout=pause, return_when=FIRST_COMPLETED)
        else:
            time.sleep(pause)
        return True

    def _may_go_on(self) -> bool:
        if self.stream.held_reason or (self.stream.paused_until and self.stream.paused_until > clock.now()):
            return False
        if stopping.is_set():
            return False
        now = time.monotonic()
        if now - self.began > SLICE_SECONDS and now - self.looked_around > SLICE_SECONDS / 4:
            self.looked_around = now
            self.others_wait = Stream.objects.filter(woken_at__isnull=False).exists()
        return not self.others_wait

    # Claiming

    @transaction.atomic
    def _take_over(self) -> None:
        """What a dead holder left in flight: nobody knows whether it had its effect."""
        self.lease.renew()  # locks the row: what is in flight by now is no successor's of ours
        for delivery in Delivery.objects.filter(stream=self.stream, state=S.IN_FLIGHT):
            lost = Delivery.objects.filter(pk=delivery.pk, state=S.IN_FLIGHT, fence=delivery.fence)
            had_begun = delivery.attempts.filter(outcome="").update(outcome="lost") > 0
            is_ambiguous = had_begun or delivery.is_ambiguous
            if had_begun and not handler_of(delivery).is_idempotent:
                lost.update(state=S.UNKNOWN, is_ambiguous=True, reason="the courier died while it was on its way")
            elif self.stream.held_reason:
                lost.update(state=S.HELD, reason=self.stream.held_reason, is_ambiguous=is_ambiguous)
            else:
                lost.update(state=S.PENDING, due_at=clock.now(), is_ambiguous=is_ambiguous)

    def _due(self) -> QuerySet[Delivery]:
        """Due, results first; within a key only the oldest that is not done, and none beside one in flight."""
        same_key = Delivery.objects.filter(key=OuterRef("key"))
        refused_last = Case(When(key=self.stream.paused_by or "-", then=Value(1)), default=Value(0))
        return (
            Delivery.objects.filter(stream=self.stream, state=S.PENDING, due_at__lte=clock.now())
            .exclude(Exists(same_key.filter(state=S.PENDING, pk__lt=OuterRef("pk"))))
            .exclude(Exists(same_key.filter(state=S.IN_FLIGHT)))
            .order_by(refused_last, "lane", "due_at", "pk")
        )

    def _claim(self) -> None:
        """Fill the hands: at most `parallel` calls of one credential at a time, one alone after a pause (the probe)."""
        parallel = 1 if self.stream.pause_seconds else self.channel.parallel
        room = parallel - len(self.running) - len(self.ready)
        found = list(self._due()[:room]) if room > 0 else []
        if not found or not (token := self._token()):
            return
        with transaction.atomic():
            claimed = [delivery for delivery in found if self._claim_one(delivery)]
        failpoints.passing("claimed")
        for delivery in claimed:
            self._prepare(delivery, token)

    def _claim_one(self, delivery: Delivery) -> bool:
        delivery.state, delivery.fence = S.IN_FLIGHT, self.lease.fence
        return bool(
            Delivery.objects.filter(pk=delivery.pk, state=S.PENDING).update(state=S.IN_FLIGHT, fence=self.lease.fence)
        )

    def _prepare(self, delivery: Delivery, token: str) -> None:
        """Build the call, unless it is not wanted any more or can never be made."""
        handler = handler_of(delivery)
        mine = Delivery.objects.filter(pk=delivery.pk, state=S.IN_FLIGHT, fence=self.lease.fence)
        try:
            if reason := handler.unwanted(delivery):
                mine.update(state=S.SUPERSEDED, reason=reason, finished_at=clock.now())
                return
            self.ready.append(Claimed(delivery, handler, handler.call(delivery, token), token))
        except Undeliverable as error:
            with transaction.atomic():
                mine.update(state=S.FAILED, reason=str(error)[:500], finished_at=clock.now())
                handler.failed(delivery, None, str(error))
        except AWAY:
            raise
        except Exception as error:  # a bug of ours stops this delivery, not the others
            log.exception("a call cannot be built", delivery=delivery.pk, kind=delivery.kind)
            attempt = Attempt(delivery=delivery, number=delivery.attempts_made + 1, started_at=clock.now())
            attempt.save()
            fault = CallFailed(f"our own fault: {type(error).__name__}", had_effect_perhaps=False)
            self._settle([Outcome(delivery, attempt, error=fault)])

    def _put_back(self) -> None:
        """Claimed and not begun: as if it had never been taken."""
        for claimed in self.ready:
            state = S.HELD if self.stream.held_reason else S.PENDING
            Delivery.objects.filter(pk=claimed.delivery.pk, state=S.IN_FLIGHT, fence=self.lease.fence).update(
                state=state, reason=self.stream.held_reason
            )
        self.ready.clear()

    # The credential

    def _token(self) -> str:
        """A token that is good, a new one if need be; "" when there is none now. Streams without tokens say "-"."""
        if not self.channel.needs_token:
            return "-"
        return self.channel.token(self.stream) or self._new_token()

    def _new_token(self) -> str:
        settlement = Settlement(self.stream, self.channel)
        try:
            call = self.channel.token_call(self.stream)
        except Undeliverable as error:
            settlement.refuse_credential(str(error))
            return ""
        try:
            reply = pool.submit(call.run, self._deadline(TOKEN_SECONDS)).result()
        except CallFailed as error:
            log.warning("no token", stream=self.stream.name, error=str(error))
            settlement.pause(None, "")
            return ""
        if reply.status == 200:
            try:
                return self.channel.keep_token(self.stream, reply)
            except CallFailed as error:
                log.warning("no token", stream=self.stream.name, error=str(error))
                settlement.pause(None, "")
                return ""
        if reply.status in (400, 401, 403):
            settlement.refuse_credential(f"SmartRecruiters' token endpoint refuses the pair ({reply.status}).")
        else:
            settlement.pause(reply.headers.get("Retry-After"), "")
        return ""

    # Calling

    def _wait(self, claimed: Claimed) -> float:
        return self.pace.wait(claimed.call.endpoint, clock.now().timestamp())

    def _start(self) -> None:
        """Send what the pace allows now: the attempts are written first, then the calls go out."""
        starting = []
        for claimed in list(self.ready):
            if self._wait(claimed) <= 0:
                self.pace.called(claimed.call.endpoint, clock.now().timestamp())
                self.ready.remove(claimed)
                starting.append(claimed)
        if not starting:
            return
        longest = max(claimed.handler.deadline_seconds for claimed in starting)
        if self.lease.remaining < (longest + LEASE_MARGIN) * self.scale:
            self.lease.renew()
        with transaction.atomic():
            attempts = [self._write_attempt(claimed) for claimed in starting]
        for claimed, attempt in zip(starting, attempts, strict=True):
            ends = time.monotonic() + self._deadline(claimed.handler.deadline_seconds)
            self.running[pool.submit(_timed, claimed.call, ends)] = (claimed, attempt)

    def _deadline(self, seconds: float) -> float:
        """For one call in all: what it may take, and less than what is left of the lease."""
        return min(seconds * self.scale, self.lease.remaining - LEASE_MARGIN * self.scale)

    def _write_attempt(self, claimed: Claimed) -> Attempt:
        delivery = claimed.delivery
        delivery.attempts_made += 1
        Delivery.objects.filter(pk=delivery.pk, fence=self.lease.fence).update(attempts_made=F("attempts_made") + 1)
        return Attempt.objects.create(
            delivery=delivery, number=delivery.attempts_made, started_at=clock.now(), request=claimed.call.request
        )

    def _finished(self) -> list[Outcome]:
        done = [future for future in self.running if future.done()]
        outcomes = []
        for future in done:
            claimed, attempt = self.running.pop(future)
            seconds, reply, error = future.result()
            if reply is not None:
                self.pace.correct(claimed.call.endpoint, reply.headers, clock.now().timestamp())
            outcomes.append(Outcome(claimed.delivery, attempt, claimed.token, seconds, reply, error))
        return outcomes

    def _settle(self, outcomes: Iterable[Outcome]) -> None:
        """Write what came back in one transaction; while the database is away, again, as long as the lease lasts."""
        outcomes = list(outcomes)
        if outcomes:
            failpoints.passing("before_settle")
            self._persistently(lambda: self._settle_once(outcomes))
            failpoints.passing("after_settle")

    @transaction.atomic
    def _settle_once(self, outcomes: list[Outcome]) -> None:
        self.lease.write(next_calls=self.pace.next_calls)
        self.stream.refresh_from_db()
        settlement = Settlement(self.stream, self.channel)
        for outcome in outcomes:
            settlement.settle(outcome, handler_of(outcome.delivery))

    def _persistently(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except AWAY:
                if self.lease.remaining < LEASE_MARGIN * self.scale:
                    raise
                log.warning("database away, writing again", stream=self.stream.name)
                time.sleep(WRITE_AGAIN_SECONDS)
                close_old_connections()


def _timed(call: Call, ends: float) -> Timed:
    """Make the call before `ends`, a time of the monotonic clock: it runs on while a process is stopped."""
    began = time.monotonic()
    try:
        failpoints.passing("before_send")
        if time.monotonic() > ends:
            raise CallFailed(NO_TIME, had_effect_perhaps=False)
        reply = call.run(ends - time.monotonic())
        failpoints.passing("after_reply")
        return time.monotonic() - began, reply, None
    except CallFailed as error:
        return time.monotonic() - began, None, error
    except Exception as error:  # whatever a call raises, the delivery must not be lost
        log.exception("a call failed in an unforeseen way", endpoint=call.endpoint)
        return time.monotonic() - began, None, CallFailed(f"our own fault: {type(error).__name__}")
