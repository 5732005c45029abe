"""Claims on deliveries: which come next, the compare-and-swap that takes them, and the recovery of orphaned claims."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, QuerySet, Value, When

from integrations.database.write_lock import hold_write_lock
from integrations.http.client import CallFailedError
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import UndeliverableError, get_handler, superseding_kinds
from integrations.outbox.leases import Lease
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from integrations.outbox.sending.executor import ClaimedDelivery
from integrations.outbox.sending.settlement import DATABASE_UNAVAILABLE, Outcome, Settlement
from integrations.outbox.sending.tokens import TokenSource
from integrations.outbox.transitions import transition

log = structlog.get_logger(__name__)
S = DeliveryState


class Claims:
    """Claims on one stream's deliveries, under its lease."""

    def __init__(self, lease: Lease, settlement: Settlement, tokens: TokenSource) -> None:
        self.lease, self.settlement, self.tokens, self.stream = lease, settlement, tokens, settlement.stream

    @transaction.atomic
    def recover_orphans(self) -> None:
        """Move on the deliveries that a dead courier left in flight."""
        # Renewing locks the stream's row until commit, or shows that the lease is lost. So whatever is in flight below
        # belongs to a former holder, and no successor can claim anything meanwhile.
        self.lease.renew()
        for delivery in Delivery.objects.filter(stream=self.stream, state=S.IN_FLIGHT):
            # An attempt is stored before its call starts. Without an open one the call was certainly not made; with
            # one it may have been, so only a repeatable call may be made again.
            had_started = delivery.attempts.filter(outcome="").update(outcome="lost") > 0
            handler = get_handler(delivery)
            if had_started and not handler.is_idempotent:
                rows = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence)
                reason = "the courier stopped while it was being sent"
                if transition(rows, S.IN_FLIGHT, to=S.UNKNOWN, reason=reason, is_ambiguous=True):
                    handler.on_unknown(delivery)
            else:
                is_ambiguous = had_started or delivery.is_ambiguous
                changes = {"reason": delivery.reason, "due_at": clock.now(), "is_ambiguous": is_ambiguous}
                deliveries.requeue(delivery, self.stream, **changes)

    def build_calls(self, limit: int) -> list[ClaimedDelivery]:
        """Return up to `limit` due deliveries with their calls. They are claimed later, so that the claim is short."""
        due = list(self._due_deliveries()[:limit]) if limit > 0 else []
        if not due or not (token := self.tokens.get_token()):
            return []
        self._prefetch(due)
        return [claimed for delivery in due if (claimed := self._build_call(delivery, token))]

    def claim(self, prepared: Sequence[ClaimedDelivery]) -> list[ClaimedDelivery]:
        """Claim the deliveries that are still pending, and store the attempts of those that can be repeated.

        The caller's transaction commits before a call starts. See `PacedExecutor` for the other attempts.
        """
        fence, ids = self.lease.fence, [claimed.delivery.pk for claimed in prepared]
        pending = Delivery.objects.filter(pk__in=ids)
        won = transition(pending, S.PENDING, to=S.IN_FLIGHT, fence=fence, attempts_made=F("attempts_made") + 1)
        if won < len(ids):
            kept = set(pending.filter(state=S.IN_FLIGHT, fence=fence).values_list("pk", flat=True))
            prepared = [claimed for claimed in prepared if claimed.delivery.pk in kept]
        for claimed in prepared:
            claimed.delivery.state, claimed.delivery.fence = S.IN_FLIGHT, fence
            if claimed.handler.is_idempotent:
                claimed.attempt = claimed.build_attempt()
        Attempt.objects.bulk_create(claimed.attempt for claimed in prepared if claimed.attempt)
        return list(prepared)

    def release(self, unstarted: Sequence[ClaimedDelivery]) -> None:
        """Undo the claims of deliveries that were not started."""
        if not unstarted:
            return
        with hold_write_lock(), transaction.atomic():
            Attempt.objects.filter(pk__in=[claimed.attempt.pk for claimed in unstarted if claimed.attempt]).delete()
            ids = [claimed.delivery.pk for claimed in unstarted]
            rows = Delivery.objects.filter(pk__in=ids, fence=self.lease.fence)
            reason, made = self.stream.held_reason, F("attempts_made") - 1
            transition(rows, S.IN_FLIGHT, to=S.HELD if reason else S.PENDING, reason=reason, attempts_made=made)

    def _due_deliveries(self) -> QuerySet[Delivery]:
        """Return the due deliveries by priority: of each sequence key the oldest, if none is in flight.

        An older one that waits for a retry does not block a newer one that will supersede it.
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
            return due.order_by("priority", "due_at", "pk")  # the order of the index, for a long backlog
        refused_first = Case(When(key=self.stream.paused_by_key, then=Value(0)), default=Value(1))
        return due.order_by(refused_first, "priority", "due_at", "pk")

    @staticmethod
    def _prefetch(due: Sequence[Delivery]) -> None:
        for kind in {delivery.kind for delivery in due}:
            alike = [delivery for delivery in due if delivery.kind == kind]
            try:
                contexts = get_handler(alike[0]).prefetch(alike)
            except DATABASE_UNAVAILABLE:
                raise
            except Exception:  # a bug, perhaps with one of them only: each loads its own context
                log.exception("prefetching failed", kind=kind)
                continue
            for delivery in alike:
                delivery.context = contexts.get(delivery.pk)

    def _build_call(self, delivery: Delivery, token: str) -> ClaimedDelivery | None:
        """Build the call, unless the delivery is not wanted any more, is blocked, or can never be made."""
        handler, row = get_handler(delivery), Delivery.objects.filter(pk=delivery.pk)
        try:
            if reason := handler.skip_reason(delivery):
                transition(row, S.PENDING, to=S.SUPERSEDED, reason=reason)
            elif handler.is_blocked(delivery):
                later = clock.now() + timedelta(seconds=1) * settings.OUTBOX_TIME_SCALE
                row.filter(state=S.PENDING).update(due_at=later)
            else:
                return ClaimedDelivery(delivery, handler, handler.build_call(delivery, token), token)
        except UndeliverableError as error:
            with transaction.atomic():
                if transition(row, S.PENDING, to=S.FAILED, reason=str(error)[:500]):
                    handler.on_failed(delivery, None, str(error))
        except DATABASE_UNAVAILABLE:
            raise
        except Exception as error:  # a bug stops this delivery, not the others
            log.exception("a call cannot be built", delivery=delivery.pk, kind=delivery.kind)
            self._record_build_failure(delivery, error)
        return None

    @transaction.atomic
    def _record_build_failure(self, delivery: Delivery, error: Exception) -> None:
        """Settle a call that could not be built as a failed attempt."""
        row, delivery.fence = Delivery.objects.filter(pk=delivery.pk), self.lease.fence
        made = F("attempts_made") + 1
        if transition(row, S.PENDING, to=S.IN_FLIGHT, fence=delivery.fence, attempts_made=made):
            number = delivery.attempts_made + 1
            attempt = Attempt.objects.create(delivery=delivery, number=number, started_at=clock.now())
            failure = CallFailedError(f"internal error: {type(error).__name__}", may_have_been_processed=False)
            self.settlement.settle_outcome(Outcome(delivery, attempt, error=failure))
