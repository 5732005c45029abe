"""What of an order must reach the outside: the result, the questions about candidate and job, the invitation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Max, QuerySet

from integrations import events, partner
from integrations.door import Outgoing, Reply, send
from integrations.models import EventType
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from integrations.smartrecruiters.client import Api
from orders import known, resources, upload_handler, uploads, wire
from orders.invitation import Invitation, Reminder
from orders.known import order_of
from orders.models import Order, Resource, ResourceState
from orders.upload_handler import UploadHandler

CONTENT_TYPES = ("application/json", "application/merge-patch+json")


class ResultHandler(handlers.Handler):
    """PATCH the result. The payload says all we know, so only the newest counts."""

    kind = "result"
    supersedes = True
    not_found_is_fresh_for = timedelta(minutes=15)

    def gather(self, found: Sequence[Delivery]) -> None:
        known.gather(found)
        known.gather_results(found)

    def unwanted(self, delivery: Delivery) -> str:
        if order_of(delivery).erased_at is not None:
            return "the candidate was erased"
        results = known.results_of(delivery)
        if any(each.pk > delivery.pk and each.state != DeliveryState.SUPERSEDED for each in results):
            return deliveries.NEWER  # a dead letter that somebody sends again must not turn back what is shown
        last = next((each for each in reversed(results) if each.state == DeliveryState.DELIVERED), None)
        if last is None:
            return ""
        told = wire.comparable(last.payload, delivery.payload)
        if wire.without_empty(told) != wire.without_empty(delivery.payload):
            return ""
        if "attachments" in delivery.payload and "attachments" not in last.payload:
            return ""  # an empty array, after one that was left out
        if known.doubts_of(delivery):
            return ""  # the answer says what became of an upload
        between = wire.perhaps_sent(Delivery.objects.filter(key=delivery.key, pk__gt=last.pk).exclude(pk=delivery.pk))
        if delivery.attempts_made or between.exists() or _has_uploaded_since(last):
            return ""
        return "SmartRecruiters has just this already"

    def must_wait(self, delivery: Delivery) -> bool:
        """For an upload on its way whose report was removed: what it leaves there has to be taken away."""
        on_its_way = _uploads_of(delivery).filter(state=DeliveryState.IN_FLIGHT)
        return "attachments" in delivery.payload and on_its_way.exists()

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        configuration = known.configuration_of(delivery)
        kinds = sorted(CONTENT_TYPES, key=lambda kind: kind != configuration.patch_content_type)
        outgoing = partner.api(configuration).patch_result(
            token,
            order_of(delivery).smartrecruiters_order_id,
            wire.addressed(delivery.payload),
            kinds[delivery.variant % 2],
        )
        known.doubts_of(delivery)  # of before the call, for its answer
        shown = replace(outgoing, json=delivery.payload)
        return handlers.Call(outgoing.endpoint, _discreet(outgoing, shown.json), shown.shown())

    def keeps_answer(self, delivery: Delivery) -> bool:
        return bool(known.doubts_of(delivery))

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        if uploads.learn(order_of(delivery), known.doubts_of(delivery), reply.content):
            upload_handler.tell(delivery.subject)

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        events.of_order(EventType.DELIVERY_FAILED, delivery.subject)


def _uploads_of(result: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(subject=result.subject, kind=UploadHandler.kind)


def _has_uploaded_since(last: Delivery) -> bool:
    """Has an upload gone out after this result, to stand beside what its array says?"""
    told = Attempt.objects.filter(delivery=last).aggregate(last=Max("pk"))["last"] or 0
    return Attempt.objects.filter(delivery__in=_uploads_of(last), pk__gt=told).exists()


def _discreet(outgoing: Outgoing, kept: wire.Document) -> Any:
    """Send it, and keep of the answer what opens no report: of addresses, the engine's own alone."""
    elsewhere = set(uploads.addresses_in(kept))

    def run(deadline: float) -> Reply:
        reply = send(outgoing, deadline)
        text = wire.without_links(reply.text)
        for url in set(uploads.addresses_in(reply.content)) - elsewhere:
            text = text.replace(url, "***").replace(url.replace("/", "\\/"), "***")
        return replace(reply, text=text)

    return run


class FetchHandler(handlers.Handler):
    """Read what SmartRecruiters tells of a candidate, a job or a hiring team, once, and keep the little we need."""

    is_read = True
    gives_up_after = timedelta(days=1)

    def gather(self, found: Sequence[Delivery]) -> None:
        known.gather(found)

    def unwanted(self, delivery: Delivery) -> str:
        return "the candidate was erased" if order_of(delivery).erased_at is not None else ""

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        outgoing = self.question(partner.api(known.configuration_of(delivery)), order_of(delivery), token)
        return handlers.Call(outgoing.endpoint, _without_text(outgoing), outgoing.shown())

    def question(self, api: Api, order: Order, token: str) -> Outgoing:
        raise TypeError(f"{type(self).__name__} must say what it asks")

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        content = resources.SHORTENED[self.kind](reply.content)
        self._resource(delivery, state=ResourceState.THERE, content=content, reason="")

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        self._resource(delivery, state=ResourceState.NONE, content={}, reason=reason[:300])

    def _resource(self, delivery: Delivery, **columns: Any) -> None:
        Resource.objects.update_or_create(order_id=delivery.subject, kind=self.kind, defaults=columns)


def _without_text(outgoing: Outgoing) -> Any:
    """A success holds far more of a person than we need: of its text, the attempt keeps the names of the keys."""

    def run(deadline: float) -> Reply:
        reply = send(outgoing, deadline)
        if reply.status != 200 or not isinstance(reply.content, dict):
            return reply
        return replace(reply, text=f"keys: {', '.join(sorted(reply.content))}")

    return run


class CandidateHandler(FetchHandler):
    kind = "candidate"

    def question(self, api: Api, order: Order, token: str) -> Outgoing:
        return api.get_candidate(token, order.candidate_id)


class JobHandler(FetchHandler):
    kind = "job"

    def question(self, api: Api, order: Order, token: str) -> Outgoing:
        return api.get_job(token, order.job_id)


class HiringTeamHandler(FetchHandler):
    kind = "hiring_team"

    def question(self, api: Api, order: Order, token: str) -> Outgoing:
        return api.get_hiring_team(token, order.job_id)


def register() -> None:
    """Called once, when the apps are ready."""
    handlers.register(ResultHandler(), UploadHandler(), Invitation(), Reminder())
    handlers.register(CandidateHandler(), JobHandler(), HiringTeamHandler())
