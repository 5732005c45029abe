"""What the outcome of one attempt does to its delivery and its stream. Runs in the coordinator's transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from integrations.http.client import CallFailed, Reply, masked_text
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import CallRefused, Channel, Handler, handler_of
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.retry_policy import (
    BUGS_BEFORE_A_DEAD_LETTER,
    FORBIDDEN_IN_A_ROW,
    UNAUTHORIZED_IN_A_ROW,
    Cure,
    cure_of,
    delay,
    pause,
    pause_after_failures,
)

log = structlog.get_logger(__name__)
S = DeliveryState
CLOSING = ["started_at", "duration_ms", "status", "outcome", "error", "response"]
AWAY = (OperationalError, InterfaceError)
"""What a database that is away, locked or full raises: no fault of a handler, and the same write may go later."""


@dataclass
class Outcome:
    """What one call came to: a reply, or the reason why there is none."""

    delivery: Delivery
    attempt: Attempt
    token: str = ""
    seconds: float = 0.0
    reply: Reply | None = None
    error: Exception | None = None

    @property
    def status(self) -> int | None:
        return self.reply.status if self.reply else None

    @property
    def may_have_had_effect(self) -> bool:
        """Nobody saw the effect, and it may be there all the same: no answer, or a gateway's or a broken one."""
        if self.error is not None:
            return getattr(self.error, "had_effect_perhaps", True)
        return self.reply is not None and (self.reply.status >= 500 or self.reply.status == 408)

    @property
    def said(self) -> str:
        """In words, for the delivery's reason."""
        if self.reply is None:
            return str(self.error) or type(self.error).__name__
        return (
            f"{self.reply.status}: {masked_text(self.reply.text)[:200]}" if self.reply.text else f"{self.reply.status}"
        )


def cure_for(outcome: Outcome, handler: Handler) -> Cure:
    """Which cure this outcome asks for, before the delivery's own history is looked at."""
    if outcome.reply is None:
        if isinstance(outcome.error, CallRefused):
            return Cure.FAIL
        unseen = not isinstance(outcome.error, CallFailed) or outcome.error.had_effect_perhaps
        return Cure.UNKNOWN if unseen and not handler.is_idempotent else Cure.RETRY
    if outcome.reply.status not in handler.success:
        return cure_of(outcome.reply.status, handler.cures)
    if handler.expects is not None and not _belongs(outcome.reply.content, handler.expects):
        outcome.error = CallFailed("the answer is not what belongs here")
        return Cure.RETRY if handler.is_idempotent else Cure.UNKNOWN
    return Cure.DELIVERED


def _belongs(content: Any, expected: type) -> bool:
    """Of the type that is awaited, and no list of errors in a success's place (RELIABILITY.md, D32)."""
    return isinstance(content, expected) and not (isinstance(content, dict) and content.get("errors"))


class Settlement:
    """Settles the outcomes of one stream under one lease; `stream` is the row as it stands in this transaction."""

    def __init__(self, stream: Stream, channel: Channel) -> None:
        self.stream, self.channel = stream, channel

    def settle_all(self, outcomes: Sequence[Outcome]) -> None:
        """Settle what came back in one round; plain successes, which are nearly all, in two statements."""
        plain = [outcome for outcome in outcomes if self._is_plain(outcome)]
        self._deliver(plain)
        for outcome in outcomes:
            if outcome not in plain:
                self.settle(outcome, handler_of(outcome.delivery))

    @staticmethod
    def _is_plain(outcome: Outcome) -> bool:
        """A success whose handler keeps nothing of it."""
        handler = handler_of(outcome.delivery)
        return not handler.keeps_answer(outcome.delivery) and cure_for(outcome, handler) is Cure.DELIVERED

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        attempts = [self._closed(outcome, Cure.DELIVERED.value) for outcome in outcomes]
        Attempt.objects.bulk_create(attempts, update_conflicts=True, unique_fields=["id"], update_fields=CLOSING)
        for fence in {outcome.delivery.fence for outcome in outcomes}:
            ids = [outcome.delivery.pk for outcome in outcomes if outcome.delivery.fence == fence]
            Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=fence).update(
                state=S.DELIVERED, reason="", is_ambiguous=False, finished_at=clock.now()
            )
        self._all_is_well()

    def settle(self, outcome: Outcome, handler: Handler) -> None:
        """Close the attempt and move the delivery on. A bug in a handler stops that delivery only."""
        cure = cure_for(outcome, handler)
        try:
            with transaction.atomic():
                self._apply(cure, outcome, handler)
        except CallFailed as error:
            outcome.error = error  # the answer could not be used after all: it had its effect, and we lack what it said
            self._apply(Cure.RETRY if handler.is_idempotent else Cure.UNKNOWN, outcome, handler)
        except AWAY:
            raise
        except Exception as error:  # a bug of ours: only this delivery stops, and staff see why
            log.exception("handler failed", delivery=outcome.delivery.pk, kind=outcome.delivery.kind)
            outcome.error = error
            self._close(outcome, "bug")
            self._after_a_bug(cure, outcome, handler)

    def _after_a_bug(self, cure: Cure, outcome: Outcome, handler: Handler) -> None:
        """No hook is told, since it may be the one that failed."""
        if cure in (Cure.DELIVERED, Cure.UNKNOWN) and not handler.is_idempotent:
            self._move(outcome, S.UNKNOWN, f"{outcome.said}; the portal itself failed with that", is_ambiguous=True)
        elif outcome.delivery.failures + 1 >= BUGS_BEFORE_A_DEAD_LETTER:
            self._move(outcome, S.FAILED)
        else:
            self._retry(outcome, handler)

    def _apply(self, cure: Cure, outcome: Outcome, handler: Handler) -> None:
        self._close(outcome, cure.value)
        getattr(self, f"_{cure.name.lower()}")(outcome, handler)

    def _close(self, outcome: Outcome, word: str) -> None:
        self._closed(outcome, word).save(update_fields=CLOSING)

    @staticmethod
    def _closed(outcome: Outcome, word: str) -> Attempt:
        reply, attempt = outcome.reply, outcome.attempt
        attempt.duration_ms = round(outcome.seconds * 1000)
        attempt.status = reply.status if reply else getattr(outcome.error, "status", None)
        attempt.outcome = word[:20]
        attempt.error = str(outcome.error or "")[:500]
        attempt.response = masked_text(reply.text) if reply else ""
        return attempt

    def _move(self, outcome: Outcome, state: str, reason: str | None = None, **changes: Any) -> bool:
        """Compare-and-set under the fence. False: a later holder took it over, and its word counts."""
        if state in (S.DELIVERED, S.SUPERSEDED, S.FAILED):
            changes["finished_at"] = clock.now()
        delivery = outcome.delivery
        return bool(
            Delivery.objects.filter(pk=delivery.pk, state=S.IN_FLIGHT, fence=delivery.fence).update(
                state=state, reason=(outcome.said if reason is None else reason)[:500], **changes
            )
        )

    def _note(self, **changes: object) -> None:
        """Change the stream's row, here and in the database."""
        for name, value in changes.items():
            setattr(self.stream, name, value)
        Stream.objects.filter(pk=self.stream.pk).update(**changes)

    def _delivered(self, outcome: Outcome, handler: Handler) -> None:
        assert outcome.reply is not None  # noqa: S101 (only a reply can be a success)
        if not self._move(outcome, S.DELIVERED, "", is_ambiguous=False):
            return
        handler.delivered(outcome.delivery, outcome.reply)
        self._all_is_well()

    def _all_is_well(self) -> None:
        """A success ends what was counted against the credential."""
        if any(getattr(self.stream, name) != value for name, value in deliveries.UNBLEMISHED.items()):
            self._note(**deliveries.UNBLEMISHED)

    def _retry(self, outcome: Outcome, handler: Handler) -> None:
        self._break_the_circuit(outcome.delivery.key)
        delivery, now = outcome.delivery, clock.now()
        is_ambiguous = delivery.is_ambiguous or outcome.may_have_had_effect
        due_at = now + delay(delivery.failures + 1, random.uniform(-1, 1)) * settings.OUTBOX_TIME_SCALE  # noqa: S311
        start = delivery.started_at or delivery.created_at
        if due_at - start > handler.gives_up_after * settings.OUTBOX_TIME_SCALE:
            self._fail(outcome, handler)
        else:
            self._again(
                outcome,
                handler,
                due_at=due_at,
                failures=delivery.failures + 1,
                is_ambiguous=is_ambiguous,
                has_new_token=False,
            )
            handler.retried(delivery)

    def _again(self, outcome: Outcome, handler: Handler, **changes: Any) -> None:
        """Back to waiting, unless a newer one says more or the stream is held by now."""
        delivery = outcome.delivery
        newer = Delivery.objects.filter(key=delivery.key, pk__gt=delivery.pk, state__in=[S.PENDING, S.HELD])
        if handler.supersedes and newer.exists():
            self._move(outcome, S.SUPERSEDED, deliveries.NEWER)
        elif self.stream.held_reason:
            self._move(outcome, S.HELD, self.stream.held_reason, **changes)
        else:
            self._move(outcome, S.PENDING, **changes)

    def _pause(self, outcome: Outcome, handler: Handler) -> None:
        self.pause(outcome.reply.headers.get("Retry-After") if outcome.reply else None, outcome.delivery.key)
        self._again(outcome, handler, due_at=self.stream.paused_until)

    def pause(self, retry_after: str | None, key: str) -> None:
        """The whole credential waits. Several refusals of one burst are one pause."""
        self._pause_for(pause(retry_after, self.stream.pause_seconds), key)

    def _break_the_circuit(self, key: str) -> None:
        """Where one call after the other fails, the credential waits, and one call at a time probes it."""
        self._note(failures_in_a_row=self.stream.failures_in_a_row + 1)
        if seconds := pause_after_failures(self.stream.failures_in_a_row, self.stream.pause_seconds):
            self._pause_for(seconds, key)

    def _pause_for(self, seconds: float, key: str) -> None:
        now = clock.now()
        if self.stream.paused_until is None or self.stream.paused_until <= now:
            until = now + timedelta(seconds=seconds) * settings.OUTBOX_TIME_SCALE
            self._note(paused_until=until, pause_seconds=seconds, paused_by=key)

    def _new_token(self, outcome: Outcome, handler: Handler) -> None:
        delivery = outcome.delivery
        if self.channel.needs_token and not delivery.has_new_token:
            if outcome.token == self.channel.token(self.stream):
                self.channel.forget_token(self.stream)
            self._again(outcome, handler, has_new_token=True)  # due as it was, before all that would try the same
        elif handler.is_read:
            self._no_access(outcome, handler)
        else:
            self._unauthorized(outcome, handler)

    def _unauthorized(self, outcome: Outcome, handler: Handler) -> None:
        """A new token did not help. Three orders in a row so, and it is the pair that is dead; but of a pair that has
        come meanwhile, an older one's token says nothing."""
        if outcome.token == self.channel.token(self.stream):
            self._note(unauthorized_keys=sorted({*self.stream.unauthorized_keys, outcome.delivery.key}))
        if len(self.stream.unauthorized_keys) >= UNAUTHORIZED_IN_A_ROW:
            self.refuse_credential("SmartRecruiters refuses our access to this company, also with a new token.")
        self._retry(outcome, handler)

    def refuse_credential(self, reason: str, pair: str | None = None) -> None:
        """The pair is dead: the stream is held, and the channel says so where people look."""
        self.channel.credential_refused(self.stream, reason, pair)
        self.stream.refresh_from_db()

    def _no_access(self, outcome: Outcome, handler: Handler) -> None:
        if self._move(outcome, S.DELIVERED, "no access"):
            handler.failed(outcome.delivery, outcome.reply, "SmartRecruiters gives no access to it.")

    def _other_type(self, outcome: Outcome, handler: Handler) -> None:
        if outcome.delivery.variant:
            self._fail(outcome, handler)
        else:
            self._again(outcome, handler, due_at=clock.now(), variant=1)

    def _retry_while_fresh(self, outcome: Outcome, handler: Handler) -> None:
        start = outcome.delivery.started_at or outcome.delivery.created_at
        if clock.now() - start < handler.not_found_is_fresh_for * settings.OUTBOX_TIME_SCALE:
            self._retry(outcome, handler)
        else:
            self._fail(outcome, handler)

    def _forbidden(self, outcome: Outcome, handler: Handler) -> None:
        self._note(forbidden_in_a_row=self.stream.forbidden_in_a_row + 1)
        if self.stream.forbidden_in_a_row >= FORBIDDEN_IN_A_ROW:
            self.refuse_credential(f"SmartRecruiters refused {FORBIDDEN_IN_A_ROW} calls in a row: {outcome.said}")
        self._fail(outcome, handler)

    def _fail(self, outcome: Outcome, handler: Handler) -> None:
        if handler.supersedes and deliveries.newer_than(outcome.delivery).exists():
            self._move(outcome, S.SUPERSEDED, deliveries.NEWER)  # no dead letter that a replay could send
        elif self._move(outcome, S.FAILED):
            handler.failed(outcome.delivery, outcome.reply, outcome.said)

    def _unknown(self, outcome: Outcome, handler: Handler) -> None:
        if self._move(outcome, S.UNKNOWN, f"{outcome.said}; whether it had its effect is not known", is_ambiguous=True):
            handler.unknown(outcome.delivery)
