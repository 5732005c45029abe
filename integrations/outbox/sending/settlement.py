"""Settlement of outcomes in the courier's transaction: retry with backoff, pause, circuit breaker, dead letter."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from integrations import metrics
from integrations.http.client import CallFailedError, Response
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import Channel, Handler, PermanentFailureError, describe_channel, get_handler
from integrations.outbox.models import Attempt, Delivery, DeliveryState, Ending, Priority, Stream
from integrations.outbox.sending import retry_policy
from integrations.outbox.sending.failure_messages import describe_status
from integrations.outbox.sending.retry_policy import Disposition
from integrations.outbox.transitions import transition
from integrations.redaction import redact_text

log = structlog.get_logger(__name__)
D, S = Disposition, DeliveryState
ATTEMPT_RESULT_FIELDS = ["started_at", "duration_ms", "status", "outcome", "error", "response"]
KEPT_ATTEMPTS = 50  # first and last ones of a delivery
# Raised while the database is down, locked or full. No handler is at fault, and the same write may succeed later.
DATABASE_UNAVAILABLE = (OperationalError, InterfaceError)


@dataclass
class Outcome:
    """The response to one call, or the error in its place."""

    delivery: Delivery
    attempt: Attempt
    token: str = ""
    seconds: float = 0.0
    response: Response | None = None
    error: Exception | None = None

    @property
    def handler(self) -> Handler:
        return get_handler(self.delivery)

    @property
    def status(self) -> int | None:
        return self.response.status if self.response else None

    @property
    def may_have_been_processed(self) -> bool:
        """True for a failed call that the other side may have processed: no response, or a gateway's."""
        if self.error is not None:
            return getattr(self.error, "may_have_been_processed", True)
        return self.status is not None and (self.status >= 500 or self.status == 408)

    @property
    def summary(self) -> str:
        if self.response is None:
            return str(self.error) or type(self.error).__name__
        text = redact_text(self.response.text)[:200]
        return f"{self.status}: {text}" if text else f"{self.status}"

    @property
    def cause(self) -> str:
        """Describe the failure for a stream's page: without the response's text, which may quote personal data."""
        if self.response is not None and self.error is None:
            return describe_status(self.response.status, describe_channel(self.handler.channel), self.handler.phrase)
        return f"The last call failed: {str(self.error) or type(self.error).__name__}"


def classify_outcome(outcome: Outcome) -> Disposition:
    """Return the disposition of an outcome, without regard to the delivery's history."""
    response, handler = outcome.response, outcome.handler
    if response is None:
        if isinstance(outcome.error, PermanentFailureError):
            return D.FAIL
        return _retry_or_unknown(outcome) if outcome.may_have_been_processed else D.RETRY
    if response.status not in handler.success_statuses:
        return retry_policy.classify_status(response.status, handler.dispositions)
    expected, content = handler.response_type, response.content
    has_errors = isinstance(content, dict) and bool(content.get("errors"))  # in place of a success
    if expected is None or (isinstance(content, expected) and not has_errors):
        return D.DELIVERED
    outcome.error = CallFailedError("the response does not have the expected form")
    return _retry_or_unknown(outcome)


def _retry_or_unknown(outcome: Outcome) -> Disposition:
    return D.RETRY if outcome.handler.is_idempotent else D.UNKNOWN


def _count_attempt(outcome: Outcome, label: str) -> None:
    metrics.count_on_commit(metrics.ATTEMPTS, kind=outcome.delivery.kind, outcome=label)
    if label == D.DELIVERED.value and outcome.delivery.priority == Priority.RESULT:
        delay = (clock.now() - outcome.delivery.created_at).total_seconds()
        transaction.on_commit(partial(metrics.RESULT_DELAY.observe, max(0.0, delay)))


class Settlement:
    """Settles the outcomes of one stream. `stream` is its row as read in the current transaction."""

    def __init__(self, stream: Stream, channel: Channel) -> None:
        self.stream, self.channel = stream, channel

    def settle_all(self, outcomes: Sequence[Outcome]) -> None:
        """Settle the outcomes of one cycle. Plain successes, which are nearly all, take two statements together."""
        plain = [o for o in outcomes if not o.handler.needs_response(o.delivery) and classify_outcome(o) is D.DELIVERED]
        self._settle_successes(plain)
        for outcome in outcomes:
            if outcome not in plain:
                self.settle_outcome(outcome)

    def _settle_successes(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        attempts = [self._fill_attempt(outcome, D.DELIVERED.value) for outcome in outcomes]
        Attempt.objects.bulk_create(
            attempts, update_conflicts=True, unique_fields=["id"], update_fields=ATTEMPT_RESULT_FIELDS
        )
        for fence in {outcome.delivery.fence for outcome in outcomes}:
            ids = [outcome.delivery.pk for outcome in outcomes if outcome.delivery.fence == fence]
            rows = Delivery.objects.filter(pk__in=ids, fence=fence)
            transition(rows, S.IN_FLIGHT, to=S.DELIVERED, reason="", is_ambiguous=False)
        self._reset_counters()

    def settle_outcome(self, outcome: Outcome) -> None:
        """Close the attempt and move the delivery on. A bug in a handler stops only its own delivery."""
        disposition = classify_outcome(outcome)
        try:
            with transaction.atomic():
                self._apply_disposition(disposition, outcome)
        except CallFailedError as error:
            outcome.error = error  # the handler could not use the response of a call that was processed
            self._apply_disposition(_retry_or_unknown(outcome), outcome)
        except DATABASE_UNAVAILABLE:
            raise
        except Exception as error:
            log.exception("handler failed", delivery=outcome.delivery.pk, kind=outcome.delivery.kind)
            outcome.error = error
            self._fill_attempt(outcome, "bug").save(update_fields=ATTEMPT_RESULT_FIELDS)
            self._settle_handler_error(disposition, outcome)

    def _settle_handler_error(self, disposition: Disposition, outcome: Outcome) -> None:
        """Settle without `on_failed` and `on_unknown`, since a hook may be the cause."""
        if disposition in (D.DELIVERED, D.UNKNOWN) and not outcome.handler.is_idempotent:
            reason = f"{outcome.summary}; the portal failed to store the outcome"
            self._set_state(outcome, S.UNKNOWN, reason, is_ambiguous=True)
        elif outcome.delivery.failures + 1 >= retry_policy.MAX_HANDLER_ERRORS:
            self._set_state(outcome, S.FAILED)
        else:
            self._apply_retry(outcome)

    def _apply_disposition(self, disposition: Disposition, outcome: Outcome) -> None:
        self._fill_attempt(outcome, disposition.value).save(update_fields=ATTEMPT_RESULT_FIELDS)
        self._actions[disposition](self, outcome)

    @staticmethod
    def _fill_attempt(outcome: Outcome, label: str) -> Attempt:
        response, attempt = outcome.response, outcome.attempt
        attempt.duration_ms = round(outcome.seconds * 1000)
        attempt.status = response.status if response else getattr(outcome.error, "status", None)
        attempt.outcome = label[:20]
        attempt.error = str(outcome.error or "")[:500]
        attempt.response = redact_text(response.text) if response else ""
        _count_attempt(outcome, label)
        return attempt

    def _set_state(self, outcome: Outcome, state: DeliveryState, reason: str | None = None, **changes: Any) -> bool:
        """Move the delivery under its fencing token. Return False if a later holder has taken it over."""
        rows = Delivery.objects.filter(pk=outcome.delivery.pk, fence=outcome.delivery.fence)
        reason = outcome.summary if reason is None else reason
        return transition(rows, S.IN_FLIGHT, to=state, reason=reason[:500], **changes) == 1

    def _requeue(self, outcome: Outcome, **changes: Any) -> None:
        deliveries.requeue(outcome.delivery, self.stream, reason=outcome.summary[:500], **changes)

    def _update_stream(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self.stream, name, value)
        Stream.objects.filter(pk=self.stream.pk).update(**changes)

    def _reset_counters(self) -> None:
        if any(getattr(self.stream, name) != value for name, value in deliveries.RESET_COUNTERS.items()):
            self._update_stream(**deliveries.RESET_COUNTERS)

    def _apply_delivered(self, outcome: Outcome) -> None:
        assert outcome.response is not None  # noqa: S101 (only a response can be a success)
        if self._set_state(outcome, S.DELIVERED, "", is_ambiguous=False):
            outcome.handler.on_delivered(outcome.delivery, outcome.response)
            self._reset_counters()

    def _apply_retry(self, outcome: Outcome) -> None:
        self._update_circuit_breaker(outcome)
        delivery, handler, failures = outcome.delivery, outcome.handler, outcome.delivery.failures + 1
        # No call of the stream has succeeded since this delivery failed for the first time.
        is_outage = self.stream.failures_in_a_row >= failures
        delay = retry_policy.retry_delay(failures, random.uniform(-1, 1), is_outage=is_outage)  # noqa: S311 (jitter)
        delay *= settings.OUTBOX_TIME_SCALE
        if self._age(delivery) + delay > handler.retry_for * settings.OUTBOX_TIME_SCALE:
            self._apply_fail(outcome)
            return
        is_ambiguous = delivery.is_ambiguous or outcome.may_have_been_processed
        due_at = clock.now() + delay
        self._requeue(outcome, due_at=due_at, failures=failures, is_ambiguous=is_ambiguous, has_new_token=False)
        self._prune_attempts(outcome)
        handler.on_retry(delivery)

    @staticmethod
    def _prune_attempts(outcome: Outcome) -> None:
        """Keep the first and the newest attempts of a long outage. `attempts_made` counts them all."""
        number = outcome.attempt.number
        if number % KEPT_ATTEMPTS == 0:
            middle = (KEPT_ATTEMPTS + 1, number - KEPT_ATTEMPTS)
            Attempt.objects.filter(delivery=outcome.delivery, number__range=middle).delete()

    @staticmethod
    def _age(delivery: Delivery) -> timedelta:
        return clock.now() - (delivery.started_at or delivery.created_at)

    def _apply_retry_while_fresh(self, outcome: Outcome) -> None:
        is_fresh = self._age(outcome.delivery) < outcome.handler.retry_not_found_for * settings.OUTBOX_TIME_SCALE
        (self._apply_retry if is_fresh else self._apply_fail)(outcome)

    def _apply_pause(self, outcome: Outcome) -> None:
        retry_after = outcome.response.headers.get("Retry-After") if outcome.response else None
        if retry_after is None and self._is_first_probe(outcome):
            now = clock.now()
            seconds = retry_policy.pause_duration(None, self.stream.pause_seconds, now)
            self._let_another_probe(pause_seconds=seconds)
            self._requeue(outcome, due_at=now + timedelta(seconds=seconds) * settings.OUTBOX_TIME_SCALE)
        else:
            self.pause_stream(outcome.cause, outcome.delivery.key, retry_after)
            self._requeue(outcome, due_at=self.stream.paused_until)

    def _update_circuit_breaker(self, outcome: Outcome) -> None:
        """Pause the stream when its calls fail in a row. The pause ends with probes, one call at a time."""
        self._update_stream(failures_in_a_row=self.stream.failures_in_a_row + 1)
        if self._is_first_probe(outcome):
            self._let_another_probe()
        elif self.stream.failures_in_a_row >= retry_policy.CIRCUIT_BREAKER_THRESHOLD:
            self.pause_stream(outcome.cause, outcome.delivery.key)

    def _is_first_probe(self, outcome: Outcome) -> bool:
        """Return True for the call that ends a pause: its own failure began it."""
        return self.stream.is_probing and outcome.delivery.key == self.stream.paused_by_key

    def _let_another_probe(self, **changes: object) -> None:
        """Let a call of another key decide whether the other side is down, or only refuses this one."""
        self._update_stream(paused_by_key="", **changes)

    def pause_stream(self, reason: str, key: str = "", retry_after: str | None = None) -> None:
        """Pause all calls of the stream, unless it is paused: several refusals of one burst are one pause.

        `reason` is for people. `key` is the sequence key of the call that was refused, which probes
        after the pause.
        """
        if self.stream.is_paused:
            return
        now = clock.now()
        seconds = retry_policy.pause_duration(retry_after, self.stream.pause_seconds, now)
        # With jitter, streams that a common outage paused do not all probe at the same time.
        length = seconds if retry_after else seconds * random.uniform(1 - retry_policy.JITTER, 1)  # noqa: S311 (jitter)
        self._update_stream(
            paused_until=now + timedelta(seconds=length) * settings.OUTBOX_TIME_SCALE,
            paused_since=self.stream.paused_since or now,
            pause_seconds=seconds,
            pause_reason=reason[:300],
            paused_by_key=key,
        )

    def _apply_new_token(self, outcome: Outcome) -> None:
        if self.channel.needs_token and not outcome.delivery.has_new_token:
            if outcome.token == self.channel.stored_token(self.stream):
                self.channel.invalidate_token(self.stream)
            # `due_at` stays, so that this delivery goes first: the others would only meet the same refusal.
            self._requeue(outcome, has_new_token=True)
        elif outcome.handler.is_read:
            self._apply_no_access(outcome)
        else:
            self._record_unauthorized(outcome)

    def _record_unauthorized(self, outcome: Outcome) -> None:
        """Count a 401 to a new token. Tokens of credentials that were replaced meanwhile do not count."""
        if outcome.token == self.channel.stored_token(self.stream):
            self._update_stream(unauthorized_keys=sorted({*self.stream.unauthorized_keys, outcome.delivery.key}))
        if len(self.stream.unauthorized_keys) >= retry_policy.UNAUTHORIZED_LIMIT:
            self.mark_credentials_refused("SmartRecruiters refuses our access to this company, even with a new token.")
        self._apply_retry(outcome)

    def mark_credentials_refused(self, reason: str, credentials_id: str | None = None) -> None:
        """Let the channel hold the stream and notify people."""
        self.channel.on_credentials_refused(self.stream, reason, credentials_id)
        self.stream.refresh_from_db()

    def _apply_no_access(self, outcome: Outcome) -> None:
        if self._set_state(outcome, S.DELIVERED, "no access", ending=Ending.NO_ACCESS):
            outcome.handler.on_failed(
                outcome.delivery, outcome.response, "SmartRecruiters does not allow access to it."
            )

    def _apply_other_type(self, outcome: Outcome) -> None:
        if outcome.delivery.variant:
            self._apply_fail(outcome)
        else:
            self._requeue(outcome, due_at=clock.now(), variant=1)

    def _apply_forbidden(self, outcome: Outcome) -> None:
        self._update_stream(forbidden_in_a_row=self.stream.forbidden_in_a_row + 1)
        if self.stream.forbidden_in_a_row >= retry_policy.FORBIDDEN_LIMIT:
            reason = f"SmartRecruiters refused {retry_policy.FORBIDDEN_LIMIT} calls in a row: {outcome.summary}"
            self.mark_credentials_refused(reason)
        self._apply_fail(outcome)

    def _apply_fail(self, outcome: Outcome) -> None:
        """Make the delivery a dead letter, unless a newer one exists: a replay would undo that one."""
        if outcome.handler.is_superseding and deliveries.newer_than(outcome.delivery).exists():
            self._set_state(outcome, S.SUPERSEDED, deliveries.SUPERSEDED_REASON)
        elif reason := outcome.handler.harmless_reason(outcome.delivery, outcome.response):
            if self._set_state(outcome, S.SUPERSEDED, reason):
                outcome.handler.on_failed(outcome.delivery, outcome.response, outcome.summary)
        elif self._set_state(outcome, S.FAILED):
            outcome.handler.on_failed(outcome.delivery, outcome.response, outcome.summary)

    def _apply_unknown(self, outcome: Outcome) -> None:
        reason = f"{outcome.summary}; it is not known whether it was processed"
        if self._set_state(outcome, S.UNKNOWN, reason, is_ambiguous=True):
            outcome.handler.on_unknown(outcome.delivery)

    _actions = {
        D.DELIVERED: _apply_delivered,
        D.RETRY: _apply_retry,
        D.PAUSE: _apply_pause,
        D.NEW_TOKEN: _apply_new_token,
        D.OTHER_TYPE: _apply_other_type,
        D.RETRY_WHILE_FRESH: _apply_retry_while_fresh,
        D.NO_ACCESS: _apply_no_access,
        D.FORBIDDEN: _apply_forbidden,
        D.FAIL: _apply_fail,
        D.UNKNOWN: _apply_unknown,
    }
