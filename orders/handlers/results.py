"""Handler that sends results to SmartRecruiters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.db.models import Max, QuerySet

from integrations.connections import partner_configuration
from integrations.http.client import Response
from integrations.models import EventType
from integrations.outbox import deliveries, handlers
from integrations.outbox.models import Attempt, Delivery, DeliveryState
from integrations.webhooks import events
from orders import merge_patch, uploads
from orders.handlers.prefetch import OrderContext, get_context, load_contexts
from orders.handlers.uploads import UploadHandler, resend_result

PATCH_CONTENT_TYPES = ("application/json", "application/merge-patch+json")


class ResultHandler(handlers.Handler):
    """PATCH the complete result, so that only the newest delivery of an order counts."""

    kind = "result"
    delivered_text = "Result delivered to SmartRecruiters"
    is_superseding = True
    retry_not_found_for = timedelta(minutes=15)

    def prefetch(self, deliveries: Sequence[Delivery]) -> Mapping[int, OrderContext]:
        return load_contexts(deliveries, with_results=True)

    def skip_reason(self, delivery: Delivery) -> str:
        context = get_context(delivery)
        if context.order.erased_at is not None:
            return "the candidate was erased"
        results = context.results
        # A dead letter that staff send again must not replace a newer result.
        if any(each.pk > delivery.pk and each.state != DeliveryState.SUPERSEDED for each in results):
            return deliveries.SUPERSEDED_REASON
        last = next((each for each in reversed(results) if each.state == DeliveryState.DELIVERED), None)
        if last is None:
            return ""
        sent = merge_patch.comparable(last.payload, delivery.payload)
        if merge_patch.drop_empty(sent) != merge_patch.drop_empty(delivery.payload):
            return ""
        if "attachments" in delivery.payload and "attachments" not in last.payload:
            return ""  # an empty array is news after a patch that omitted it
        if context.unresolved_uploads:
            return ""  # the response resolves an upload
        between = merge_patch.possibly_sent(
            Delivery.objects.filter(key=delivery.key, pk__gt=last.pk).exclude(pk=delivery.pk)
        )
        if delivery.attempts_made or between.exists() or _has_uploaded_since(last):
            return ""
        return "SmartRecruiters already has this result"

    def is_blocked(self, delivery: Delivery) -> bool:
        """Wait for an upload that is on its way: if its report was removed, this result removes it there, too."""
        in_flight = _upload_deliveries(delivery).filter(state=DeliveryState.IN_FLIGHT)
        return "attachments" in delivery.payload and in_flight.exists()

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        context = get_context(delivery)
        configuration = context.configuration
        kinds = sorted(PATCH_CONTENT_TYPES, key=lambda kind: kind != configuration.patch_content_type)
        outgoing = partner_configuration.build_api(configuration).patch_result(
            token,
            context.order.smartrecruiters_order_id,
            merge_patch.resolve_urls(delivery.payload),
            kinds[delivery.variant % 2],
        )
        _ = context.unresolved_uploads  # loaded before the call, since its response tells which of them arrived
        call = handlers.Call.from_request(outgoing, partial(_redact_urls, delivery.payload))
        return replace(call, request=replace(outgoing, json=delivery.payload).redacted_dict())

    def needs_response(self, delivery: Delivery) -> bool:
        return bool(get_context(delivery).unresolved_uploads)

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        context = get_context(delivery)
        if uploads.resolve_from_response(context.order, context.unresolved_uploads, response.content):
            resend_result(delivery.subject)

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        events.record_order_event(EventType.DELIVERY_FAILED, delivery.subject)


def _upload_deliveries(result: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(subject=result.subject, kind=UploadHandler.kind)


def _has_uploaded_since(last: Delivery) -> bool:
    """Return True if an upload was sent after this result, which added to its array of attachments."""
    last_attempt = Attempt.objects.filter(delivery=last).aggregate(pk=Max("pk"))["pk"] or 0
    return Attempt.objects.filter(delivery__in=_upload_deliveries(last), pk__gt=last_attempt).exists()


def _redact_urls(payload: merge_patch.Document, response: Response) -> Response:
    """Mask report URLs in the response's text, except the engine's own, which the payload has."""
    text = merge_patch.redact_links(response.text)
    for url in set(uploads.extract_urls(response.content)) - set(uploads.extract_urls(payload)):
        text = text.replace(url, "***").replace(url.replace("/", "\\/"), "***")
    return replace(response, text=text)
