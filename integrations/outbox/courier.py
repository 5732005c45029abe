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
from integrations.http.client import CallFailed, Reply
from integrations.outbox import clock, failpoints, leases
from integrations.outbox.executor import Claimed, Line, pool, stopping
from integrations.outbox.handlers import Call, Undeliverable, channel_of, handler_of, superseding
from integrations.outbox.leases import Lease, LeaseLost
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.rate_limiter import Pace
from integrations.outbox.settlement import AWAY, Outcome, Settlement

log = structlog.get_logger(__name__)

SLICE_SECONDS = 2.0
WAITS_AFTER_SECONDS = 0.5
"""A stream that was woken so long ago finds no courier free."""
ROUND_SECONDS = 1.0
TOKEN_SECONDS = 25.0
RENEWED_AT = 0.8
"""Of the lease's seconds: so much is left for the calls that start before the next round."""
WRITE_AGAIN_SECONDS = 0.5

S = DeliveryState
T = TypeVar("T")


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
    """Works in rounds: what came back is settled and the next deliveries are claimed in one transaction; between two
    rounds the line starts the calls."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.stream = Stream.objects.get(pk=lease.stream_id)
        self.channel = channel_of(self.stream)
        self.scale: float = settings.OUTBOX_TIME_SCALE
        pace = Pace.resume(self.channel.calls_a_second, self.stream.next_calls, clock.now().timestamp())
        self.line = Line(pace, lease, self.scale)
        self.done: list[Outcome] = []
        self.unbegun: list[Claimed] = []
        self.next_round = 0.0
        self.began = self.looked_around = time.monotonic()
        self.others_wait = self.was_interrupted = False

    def run(self) -> None:
        """Until nothing is left to do. A database that is away is waited for, as long as the lease lasts."""
        self.line.open()
        try:
            self._persistently(self._take_over)
            while self._persistently(self._step):
                pass
        finally:
            self.line.close()
            # Calls on their way end within the lease; until then nobody else may begin.
            if not self.line.on_the_wire and not self.done:
                self._put_back()
                self.lease.give_back(next_calls=self.line.next_calls())

    def _step(self) -> bool:
        """Write if it is time, and wait for what comes back. False: nothing left to do."""
        has_settled = self._is_time_for_a_round() and self._round()
        if not self.line.in_hand:
            return has_settled  # what was settled may be due again at once
        self.line.wait(self.next_round - time.monotonic())
        if claimed := self.line.asking():
            attempt = claimed.next_attempt()
            attempt.save()
            self.line.begin(claimed, attempt)
        return True

    def _is_time_for_a_round(self) -> bool:
        """Now and then; at once when nothing else is to do, or when an answer may concern the calls to come."""
        return time.monotonic() >= self.next_round or not self.line.in_hand or self.line.is_halted

    def _round(self) -> bool:
        """Settle what came back and claim what is next. Was there anything to settle?"""
        if self.lease.remaining < self.lease.seconds * RENEWED_AT:
            self.lease.renew()
        self.done += self.line.returned()
        has_settled, has_dead_token = bool(self.done), any(outcome.status == 401 for outcome in self.done)
        fresh = [] if has_dead_token or self._must_stop() else self._prepared()
        if has_settled:
            failpoints.passing("before_settle")
        self._write(fresh)
        failpoints.passing("after_settle" if has_settled else "claimed")
        if has_dead_token or self._must_stop():
            self._put_back()
        self.line.go_on(self._parallel())
        self.next_round = time.monotonic() + ROUND_SECONDS
        return has_settled

    def _write(self, fresh: Sequence[Claimed] = ()) -> None:
        """One transaction of this stream's holder; if it fails, what came back is still in our hands."""
        with hold_write_lock(), transaction.atomic():
            self.lease.write(next_calls=self.line.next_calls())
            self.stream.refresh_from_db()
            Settlement(self.stream, self.channel).settle_all(self.done)
            claimed = [] if self._must_stop() else self._claim(fresh)
        self.done.clear()
        self.line.add(claimed)

    def _must_stop(self) -> bool:
        """Nothing is to begin: the stream is held or pauses, the process ends, others have waited for a slice, or a
        write was interrupted: if it had its effect all the same, the next holder finds what was claimed by it."""
        if self.stream.held_reason or (self.stream.paused_until and self.stream.paused_until > clock.now()):
            return True
        if stopping.is_set() or self.was_interrupted:
            return True
        now = time.monotonic()
        if now - self.began > SLICE_SECONDS and now - self.looked_around > SLICE_SECONDS / 4:
            self.looked_around = now
            woken_before = clock.now() - timedelta(seconds=WAITS_AFTER_SECONDS) * self.scale
            self.others_wait = Stream.objects.filter(leases.is_free(clock.now()), woken_at__lte=woken_before).exists()
        return self.others_wait

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
                handler_of(delivery).unknown(delivery)
            elif handler_of(delivery).supersedes and self._has_newer(delivery):
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

    def _due(self) -> QuerySet[Delivery]:
        """Due, results first; within a key only the oldest that is not done, and none beside one in flight.

        One that failed while a newer one was being decided waits for its time unseen by that: it is needless.
        """
        now, same_key = clock.now(), Delivery.objects.filter(key=OuterRef("key"))
        older = same_key.filter(state=S.PENDING, pk__lt=OuterRef("pk")).exclude(kind__in=superseding(), due_at__gt=now)
        due = (
            Delivery.objects.filter(stream=self.stream, state=S.PENDING, due_at__lte=now)
            .exclude(Exists(older))
            .exclude(Exists(same_key.filter(state=S.IN_FLIGHT)))
        )
        if not self.stream.paused_by:
            return due.order_by("lane", "due_at", "pk")  # as the index has them, however many wait
        refused_last = Case(When(key=self.stream.paused_by, then=Value(1)), default=Value(0))
        return due.order_by(refused_last, "lane", "due_at", "pk")

    def _parallel(self) -> int:
        """Calls of one credential at a time; one alone after a pause (the probe)."""
        return 1 if self.stream.pause_seconds else self.channel.parallel

    def _room(self) -> int:
        """How many to claim: enough to keep the pace until the next round."""
        ahead = 0 if self.stream.pause_seconds else math.ceil(min(self.channel.calls_a_second, 10) * ROUND_SECONDS)
        return self._parallel() + ahead - self.line.in_hand

    def _prepared(self) -> list[Claimed]:
        """The next deliveries with their calls built, not yet claimed: reads only, so that the claim is short."""
        room = self._room()
        found = list(self._due()[:room]) if room > 0 else []
        if not found or not (token := self._token()):
            return []
        self._gather(found)
        return [claimed for delivery in found if (claimed := self._prepare(delivery, token))]

    @staticmethod
    def _gather(found: Sequence[Delivery]) -> None:
        for kind in {delivery.kind for delivery in found}:
            alike = [delivery for delivery in found if delivery.kind == kind]
            try:
                handler_of(alike[0]).gather(alike)
            except AWAY:
                raise
            except Exception:  # a bug of ours, and perhaps of one of them: each is read by itself
                log.exception("deliveries cannot be read together", kind=kind)

    def _prepare(self, delivery: Delivery, token: str) -> Claimed | None:
        """Build the call, unless it is not wanted any more or can never be made."""
        handler = handler_of(delivery)
        mine = Delivery.objects.filter(pk=delivery.pk, state=S.PENDING)
        try:
            if reason := handler.unwanted(delivery):
                mine.update(state=S.SUPERSEDED, reason=reason, finished_at=clock.now())
                return None
            if handler.must_wait(delivery):
                mine.update(due_at=clock.now() + timedelta(seconds=1) * self.scale)
                return None
            return Claimed(delivery, handler, handler.call(delivery, token), token)
        except Undeliverable as error:
            with transaction.atomic():
                if mine.update(state=S.FAILED, reason=str(error)[:500], finished_at=clock.now()):
                    handler.failed(delivery, None, str(error))
        except AWAY:
            raise
        except Exception as error:  # a bug of ours stops this delivery, not the others
            log.exception("a call cannot be built", delivery=delivery.pk, kind=delivery.kind)
            fault = CallFailed(f"our own fault: {type(error).__name__}", had_effect_perhaps=False)
            self._give_up_on(Claimed(delivery, handler, Call("none", _never), token), fault)
        return None

    @transaction.atomic
    def _give_up_on(self, broken: Claimed, fault: CallFailed) -> None:
        """An attempt that never was, with its reason."""
        for claimed in self._claim([broken]):
            attempt = claimed.attempt or claimed.next_attempt()
            attempt.save()
            Settlement(self.stream, self.channel).settle(
                Outcome(claimed.delivery, attempt, error=fault), claimed.handler
            )

    def _claim(self, fresh: Sequence[Claimed]) -> list[Claimed]:
        """Compare-and-set: what is still waiting is ours now, with an attempt written before its call goes out."""
        fence, ids = self.lease.fence, [claimed.delivery.pk for claimed in fresh]
        won = Delivery.objects.filter(pk__in=ids, state=S.PENDING).update(
            state=S.IN_FLIGHT, fence=fence, attempts_made=F("attempts_made") + 1
        )
        if won < len(ids):
            kept = set(Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=fence).values_list("pk", flat=True))
            fresh = [each for each in fresh if each.delivery.pk in kept]
        for claimed in fresh:
            claimed.delivery.state, claimed.delivery.fence = S.IN_FLIGHT, fence
        repeatable = [claimed for claimed in fresh if claimed.handler.is_idempotent]
        for claimed in repeatable:
            claimed.attempt = claimed.next_attempt()
        Attempt.objects.bulk_create(claimed.attempt for claimed in repeatable if claimed.attempt)
        return list(fresh)

    def _put_back(self) -> None:
        """Claimed and not begun: as if it had never been taken."""
        self.unbegun += self.line.take_back()
        ids = [claimed.delivery.pk for claimed in self.unbegun]
        if not ids:
            return
        state = S.HELD if self.stream.held_reason else S.PENDING
        with hold_write_lock(), transaction.atomic():
            Attempt.objects.filter(pk__in=[c.attempt.pk for c in self.unbegun if c.attempt]).delete()
            Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=self.lease.fence).update(
                state=state, reason=self.stream.held_reason, attempts_made=F("attempts_made") - 1
            )
        self.unbegun.clear()

    # The credential

    def _token(self) -> str:
        """A token that is good, a new one if need be; "" when there is none now. Streams without tokens say "-"."""
        if not self.channel.needs_token:
            return "-"
        return self.channel.token(self.stream) or self._new_token()

    def _new_token(self) -> str:
        settlement, pair = Settlement(self.stream, self.channel), self.channel.pair(self.stream)
        try:
            call = self.channel.token_call(self.stream)
            reply = pool.submit(call.run, self.lease.seconds_for(TOKEN_SECONDS)).result()
            if reply.status == 200:
                return self.channel.keep_token(self.stream, reply)
        except Undeliverable as error:
            settlement.refuse_credential(str(error), pair)
            return ""
        except CallFailed as error:
            log.warning("no token", stream=self.stream.name, error=str(error))
            settlement.pause(None, "")
            return ""
        if reply.status in (400, 401, 403):
            settlement.refuse_credential(f"SmartRecruiters' token endpoint refuses the pair ({reply.status}).", pair)
        else:
            settlement.pause(reply.headers.get("Retry-After"), "")
        return ""

    def _persistently(self, write: Callable[[], T]) -> T:
        while True:
            try:
                return write()
            except AWAY:
                self.was_interrupted = True
                self.line.halt()
                if self.lease.remaining < leases.MARGIN * self.scale:
                    raise
                log.warning("database away, writing again", stream=self.stream.name)
                time.sleep(WRITE_AGAIN_SECONDS)
                close_old_connections()


def _never(_deadline: float) -> Reply:
    raise CallFailed("this call could not be built", had_effect_perhaps=False)
