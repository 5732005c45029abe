"""What the outcome of one attempt does to its delivery and its stream. Runs in the coordinator's transaction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from integrations.http.client import CallFailedError, Response
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import Channel, Handler, PermanentFailureError, get_handler
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Stream
from integrations.outbox.retry_policy import (
    FORBIDDEN_LIMIT,
    MAX_HANDLER_ERRORS,
    UNAUTHORIZED_LIMIT,
    Disposition,
    circuit_breaker_pause,
    classify_status,
    pause_duration,
    retry_delay,
)
from integrations.redaction import redact_text

log = structlog.get_logger(__name__)
S = DeliveryState
ATTEMPT_RESULT_FIELDS = ["started_at", "duration_ms", "status", "outcome", "error", "response"]
DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)
"""What a database that is away, locked or full raises: no fault of a handler, and the same write may go later."""


@dataclass
class Outcome:
    """What one call came to: a reply, or the reason why there is none."""

    delivery: Delivery
    attempt: Attempt
    token: str = ""
    seconds: float = 0.0
    response: Response | None = None
    error: Exception | None = None

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None

    @property
    def may_have_been_processed(self) -> bool:
        """Nobody saw the effect, and it may be there all the same: no answer, or a gateway's or a broken one."""
        if self.error is not None:
            return getattr(self.error, "may_have_been_processed", True)
        return self.response is not None and (self.response.status >= 500 or self.response.status == 408)

    @property
    def summary(self) -> str:
        """In words, for the delivery's reason."""
        if self.response is None:
            return str(self.error) or type(self.error).__name__
        return (
            f"{self.response.status}: {redact_text(self.response.text)[:200]}"
            if self.response.text
            else f"{self.response.status}"
        )


def classify_outcome(outcome: Outcome, handler: Handler) -> Disposition:
    """Which cure this outcome asks for, before the delivery's own history is looked at."""
    if outcome.response is None:
        if isinstance(outcome.error, PermanentFailureError):
            return Disposition.FAIL
        unseen = not isinstance(outcome.error, CallFailedError) or outcome.error.may_have_been_processed
        return Disposition.UNKNOWN if unseen and not handler.is_idempotent else Disposition.RETRY
    if outcome.response.status not in handler.success_statuses:
        return classify_status(outcome.response.status, handler.dispositions)
    if handler.response_type is not None and not _is_expected_content(outcome.response.content, handler.response_type):
        outcome.error = CallFailedError("the answer is not what belongs here")
        return Disposition.RETRY if handler.is_idempotent else Disposition.UNKNOWN
    return Disposition.DELIVERED


def _is_expected_content(content: Any, expected: type) -> bool:
    """Of the type that is awaited, and no list of errors in a success's place (RELIABILITY.md, D32)."""
    return isinstance(content, expected) and not (isinstance(content, dict) and content.get("errors"))


class Settlement:
    """Settles the outcomes of one stream under one lease; `stream` is the row as it stands in this transaction."""

    def __init__(self, stream: Stream, channel: Channel) -> None:
        self.stream, self.channel = stream, channel

    def settle_all(self, outcomes: Sequence[Outcome]) -> None:
        """Settle what came back in one round; plain successes, which are nearly all, in two statements."""
        plain = [outcome for outcome in outcomes if self._is_plain_success(outcome)]
        self._settle_successes(plain)
        for outcome in outcomes:
            if outcome not in plain:
                self.settle_outcome(outcome, get_handler(outcome.delivery))

    @staticmethod
    def _is_plain_success(outcome: Outcome) -> bool:
        """A success whose handler keeps nothing of it."""
        handler = get_handler(outcome.delivery)
        return (
            not handler.needs_response(outcome.delivery) and classify_outcome(outcome, handler) is Disposition.DELIVERED
        )

    def _settle_successes(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        attempts = [self._fill_attempt(outcome, Disposition.DELIVERED.value) for outcome in outcomes]
        Attempt.objects.bulk_create(
            attempts, update_conflicts=True, unique_fields=["id"], update_fields=ATTEMPT_RESULT_FIELDS
        )
        for fence in {outcome.delivery.fence for outcome in outcomes}:
            ids = [outcome.delivery.pk for outcome in outcomes if outcome.delivery.fence == fence]
            Delivery.objects.filter(pk__in=ids, state=S.IN_FLIGHT, fence=fence).update(
                state=S.DELIVERED, reason="", is_ambiguous=False, finished_at=clock.now()
            )
        self._reset_counters()

    def settle_outcome(self, outcome: Outcome, handler: Handler) -> None:
        """Close the attempt and move the delivery on. A bug in a handler stops that delivery only."""
        cure = classify_outcome(outcome, handler)
        try:
            with transaction.atomic():
                self._apply_disposition(cure, outcome, handler)
        except CallFailedError as error:
            outcome.error = error  # the answer could not be used after all: it had its effect, and we lack what it said
            self._apply_disposition(
                Disposition.RETRY if handler.is_idempotent else Disposition.UNKNOWN, outcome, handler
            )
        except DATABASE_UNAVAILABLE:
            raise
        except Exception as error:  # a bug of ours: only this delivery stops, and staff see why
            log.exception("handler failed", delivery=outcome.delivery.pk, kind=outcome.delivery.kind)
            outcome.error = error
            self._close_attempt(outcome, "bug")
            self._settle_handler_error(cure, outcome, handler)

    def _settle_handler_error(self, disposition: Disposition, outcome: Outcome, handler: Handler) -> None:
        """No hook is told, since it may be the one that failed."""
        if disposition in (Disposition.DELIVERED, Disposition.UNKNOWN) and not handler.is_idempotent:
            self._set_state(
                outcome, S.UNKNOWN, f"{outcome.summary}; the portal itself failed with that", is_ambiguous=True
            )
        elif outcome.delivery.failures + 1 >= MAX_HANDLER_ERRORS:
            self._set_state(outcome, S.FAILED)
        else:
            self._apply_retry(outcome, handler)

    def _apply_disposition(self, disposition: Disposition, outcome: Outcome, handler: Handler) -> None:
        self._close_attempt(outcome, disposition.value)
        getattr(self, f"_apply_{disposition.name.lower()}")(outcome, handler)

    def _close_attempt(self, outcome: Outcome, label: str) -> None:
        self._fill_attempt(outcome, label).save(update_fields=ATTEMPT_RESULT_FIELDS)

    @staticmethod
    def _fill_attempt(outcome: Outcome, label: str) -> Attempt:
        reply, attempt = outcome.response, outcome.attempt
        attempt.duration_ms = round(outcome.seconds * 1000)
        attempt.status = reply.status if reply else getattr(outcome.error, "status", None)
        attempt.outcome = label[:20]
        attempt.error = str(outcome.error or "")[:500]
        attempt.response = redact_text(reply.text) if reply else ""
        return attempt

    def _set_state(self, outcome: Outcome, state: str, reason: str | None = None, **changes: Any) -> bool:
        """Compare-and-set under the fence. False: a later holder took it over, and its word counts."""
        if state in (S.DELIVERED, S.SUPERSEDED, S.FAILED):
            changes["finished_at"] = clock.now()
        delivery = outcome.delivery
        return bool(
            Delivery.objects.filter(pk=delivery.pk, state=S.IN_FLIGHT, fence=delivery.fence).update(
                state=state, reason=(outcome.summary if reason is None else reason)[:500], **changes
            )
        )

    def _update_stream(self, **changes: object) -> None:
        """Change the stream's row, here and in the database."""
        for name, value in changes.items():
            setattr(self.stream, name, value)
        Stream.objects.filter(pk=self.stream.pk).update(**changes)

    def _apply_delivered(self, outcome: Outcome, handler: Handler) -> None:
        assert outcome.response is not None  # noqa: S101 (only a reply can be a success)
        if not self._set_state(outcome, S.DELIVERED, "", is_ambiguous=False):
            return
        handler.on_delivered(outcome.delivery, outcome.response)
        self._reset_counters()

    def _reset_counters(self) -> None:
        """A success ends what was counted against the credential."""
        if any(getattr(self.stream, name) != value for name, value in deliveries.RESET_COUNTERS.items()):
            self._update_stream(**deliveries.RESET_COUNTERS)

    def _apply_retry(self, outcome: Outcome, handler: Handler) -> None:
        self._update_circuit_breaker(outcome.delivery.key)
        delivery, now = outcome.delivery, clock.now()
        is_ambiguous = delivery.is_ambiguous or outcome.may_have_been_processed
        due_at = now + retry_delay(delivery.failures + 1, random.uniform(-1, 1)) * settings.OUTBOX_TIME_SCALE  # noqa: S311
        start = delivery.started_at or delivery.created_at
        if due_at - start > handler.retry_for * settings.OUTBOX_TIME_SCALE:
            self._apply_fail(outcome, handler)
        else:
            self._requeue_delivery(
                outcome,
                handler,
                due_at=due_at,
                failures=delivery.failures + 1,
                is_ambiguous=is_ambiguous,
                has_new_token=False,
            )
            handler.on_retry(delivery)

    def _requeue_delivery(self, outcome: Outcome, handler: Handler, **changes: Any) -> None:
        """Back to waiting, unless a newer one says more or the stream is held by now."""
        delivery = outcome.delivery
        newer = Delivery.objects.filter(key=delivery.key, pk__gt=delivery.pk, state__in=[S.PENDING, S.HELD])
        if handler.is_superseding and newer.exists():
            self._set_state(outcome, S.SUPERSEDED, deliveries.SUPERSEDED_REASON)
        elif self.stream.held_reason:
            self._set_state(outcome, S.HELD, self.stream.held_reason, **changes)
        else:
            self._set_state(outcome, S.PENDING, **changes)

    def _apply_pause(self, outcome: Outcome, handler: Handler) -> None:
        self.pause_stream(
            outcome.response.headers.get("Retry-After") if outcome.response else None, outcome.delivery.key
        )
        self._requeue_delivery(outcome, handler, due_at=self.stream.paused_until)

    def pause_stream(self, retry_after: str | None, key: str) -> None:
        """The whole credential waits. Several refusals of one burst are one pause."""
        self._set_pause(pause_duration(retry_after, self.stream.pause_seconds), key)

    def _update_circuit_breaker(self, key: str) -> None:
        """Where one call after the other fails, the credential waits, and one call at a time probes it."""
        self._update_stream(failures_in_a_row=self.stream.failures_in_a_row + 1)
        if seconds := circuit_breaker_pause(self.stream.failures_in_a_row, self.stream.pause_seconds):
            self._set_pause(seconds, key)

    def _set_pause(self, seconds: float, key: str) -> None:
        now = clock.now()
        if self.stream.paused_until is None or self.stream.paused_until <= now:
            until = now + timedelta(seconds=seconds) * settings.OUTBOX_TIME_SCALE
            self._update_stream(paused_until=until, pause_seconds=seconds, paused_by_key=key)

    def _apply_new_token(self, outcome: Outcome, handler: Handler) -> None:
        delivery = outcome.delivery
        if self.channel.needs_token and not delivery.has_new_token:
            if outcome.token == self.channel.stored_token(self.stream):
                self.channel.invalidate_token(self.stream)
            self._requeue_delivery(
                outcome, handler, has_new_token=True
            )  # due as it was, before all that would try the same
        elif handler.is_read:
            self._apply_no_access(outcome, handler)
        else:
            self._record_unauthorized(outcome, handler)

    def _record_unauthorized(self, outcome: Outcome, handler: Handler) -> None:
        """A new token did not help. Three orders in a row so, and it is the pair that is dead; but of a pair that has
        come meanwhile, an older one's token says nothing."""
        if outcome.token == self.channel.stored_token(self.stream):
            self._update_stream(unauthorized_keys=sorted({*self.stream.unauthorized_keys, outcome.delivery.key}))
        if len(self.stream.unauthorized_keys) >= UNAUTHORIZED_LIMIT:
            self.mark_credentials_refused("SmartRecruiters refuses our access to this company, also with a new token.")
        self._apply_retry(outcome, handler)

    def mark_credentials_refused(self, reason: str, credentials_id: str | None = None) -> None:
        """The pair is dead: the stream is held, and the channel says so where people look."""
        self.channel.on_credentials_refused(self.stream, reason, credentials_id)
        self.stream.refresh_from_db()

    def _apply_no_access(self, outcome: Outcome, handler: Handler) -> None:
        if self._set_state(outcome, S.DELIVERED, "no access"):
            handler.on_failed(outcome.delivery, outcome.response, "SmartRecruiters gives no access to it.")

    def _apply_other_type(self, outcome: Outcome, handler: Handler) -> None:
        if outcome.delivery.variant:
            self._apply_fail(outcome, handler)
        else:
            self._requeue_delivery(outcome, handler, due_at=clock.now(), variant=1)

    def _apply_retry_while_fresh(self, outcome: Outcome, handler: Handler) -> None:
        start = outcome.delivery.started_at or outcome.delivery.created_at
        if clock.now() - start < handler.retry_not_found_for * settings.OUTBOX_TIME_SCALE:
            self._apply_retry(outcome, handler)
        else:
            self._apply_fail(outcome, handler)

    def _apply_forbidden(self, outcome: Outcome, handler: Handler) -> None:
        self._update_stream(forbidden_in_a_row=self.stream.forbidden_in_a_row + 1)
        if self.stream.forbidden_in_a_row >= FORBIDDEN_LIMIT:
            self.mark_credentials_refused(
                f"SmartRecruiters refused {FORBIDDEN_LIMIT} calls in a row: {outcome.summary}"
            )
        self._apply_fail(outcome, handler)

    def _apply_fail(self, outcome: Outcome, handler: Handler) -> None:
        if handler.is_superseding and deliveries.newer_than(outcome.delivery).exists():
            self._set_state(
                outcome, S.SUPERSEDED, deliveries.SUPERSEDED_REASON
            )  # no dead letter that a replay could send
        elif self._set_state(outcome, S.FAILED):
            handler.on_failed(outcome.delivery, outcome.response, outcome.summary)

    def _apply_unknown(self, outcome: Outcome, handler: Handler) -> None:
        if self._set_state(
            outcome, S.UNKNOWN, f"{outcome.summary}; whether it had its effect is not known", is_ambiguous=True
        ):
            handler.on_unknown(outcome.delivery)
