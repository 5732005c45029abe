"""What of an order must reach the outside: the result, the questions about candidate and job, the invitation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Max, QuerySet

from integrations.connections import partner_configuration
from integrations.http.client import OutgoingRequest, Response, send_request
from integrations.models import EventType
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from integrations.webhooks import events
from orders import merge_patch, uploads
from orders.handlers import prefetch
from orders.handlers.prefetch import get_order
from orders.handlers.uploads import UploadHandler, resend_result

PATCH_CONTENT_TYPES = ("application/json", "application/merge-patch+json")


class ResultHandler(handlers.Handler):
    """PATCH the result. The payload says all we know, so only the newest counts."""

    kind = "result"
    is_superseding = True
    retry_not_found_for = timedelta(minutes=15)

    def prefetch(self, found: Sequence[Delivery]) -> None:
        prefetch.prefetch_orders(found)
        prefetch.prefetch_results(found)

    def skip_reason(self, delivery: Delivery) -> str:
        if get_order(delivery).erased_at is not None:
            return "the candidate was erased"
        results = prefetch.get_results(delivery)
        if any(each.pk > delivery.pk and each.state != DeliveryState.SUPERSEDED for each in results):
            return (
                deliveries.SUPERSEDED_REASON
            )  # a dead letter that somebody sends again must not turn back what is shown
        last = next((each for each in reversed(results) if each.state == DeliveryState.DELIVERED), None)
        if last is None:
            return ""
        told = merge_patch.comparable(last.payload, delivery.payload)
        if merge_patch.drop_empty(told) != merge_patch.drop_empty(delivery.payload):
            return ""
        if "attachments" in delivery.payload and "attachments" not in last.payload:
            return ""  # an empty array, after one that was left out
        if prefetch.get_unresolved_uploads(delivery):
            return ""  # the answer says what became of an upload
        between = merge_patch.possibly_sent(
            Delivery.objects.filter(key=delivery.key, pk__gt=last.pk).exclude(pk=delivery.pk)
        )
        if delivery.attempts_made or between.exists() or _has_uploaded_since(last):
            return ""
        return "SmartRecruiters has just this already"

    def is_blocked(self, delivery: Delivery) -> bool:
        """For an upload on its way whose report was removed: what it leaves there has to be taken away."""
        on_its_way = _upload_deliveries(delivery).filter(state=DeliveryState.IN_FLIGHT)
        return "attachments" in delivery.payload and on_its_way.exists()

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        configuration = prefetch.get_configuration(delivery)
        kinds = sorted(PATCH_CONTENT_TYPES, key=lambda kind: kind != configuration.patch_content_type)
        outgoing = partner_configuration.build_api(configuration).patch_result(
            token,
            get_order(delivery).smartrecruiters_order_id,
            merge_patch.resolve_urls(delivery.payload),
            kinds[delivery.variant % 2],
        )
        prefetch.get_unresolved_uploads(delivery)  # of before the call, for its answer
        shown = replace(outgoing, json=delivery.payload)
        return handlers.Call(outgoing.endpoint, _make_redacting_run(outgoing, shown.json), shown.redacted_dict())

    def needs_response(self, delivery: Delivery) -> bool:
        return bool(prefetch.get_unresolved_uploads(delivery))

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        if uploads.resolve_from_response(
            get_order(delivery), prefetch.get_unresolved_uploads(delivery), response.content
        ):
            resend_result(delivery.subject)

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        events.record_order_event(EventType.DELIVERY_FAILED, delivery.subject)


def _upload_deliveries(result: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(subject=result.subject, kind=UploadHandler.kind)


def _has_uploaded_since(last: Delivery) -> bool:
    """Has an upload gone out after this result, to stand beside what its array says?"""
    told = Attempt.objects.filter(delivery=last).aggregate(last=Max("pk"))["last"] or 0
    return Attempt.objects.filter(delivery__in=_upload_deliveries(last), pk__gt=told).exists()


def _make_redacting_run(outgoing: OutgoingRequest, payload: merge_patch.Document) -> Any:
    """Send it, and keep of the answer what opens no report: of addresses, the engine's own alone."""
    elsewhere = set(uploads.extract_urls(payload))

    def run(deadline: float) -> Response:
        reply = send_request(outgoing, deadline)
        text = merge_patch.redact_links(reply.text)
        for url in set(uploads.extract_urls(reply.content)) - elsewhere:
            text = text.replace(url, "***").replace(url.replace("/", "\\/"), "***")
        return replace(reply, text=text)

    return run
