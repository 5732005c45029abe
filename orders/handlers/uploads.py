"""Handler that uploads report files to SmartRecruiters: see integrations/smartrecruiters/README.md, "Results"."""

from dataclasses import replace
from datetime import timedelta

from rest_framework.exceptions import APIException

from integrations.connections import partner_configuration
from integrations.http.client import CallFailedError, Response, send_request
from integrations.models import PartnerConfiguration
from integrations.outbox import handlers
from integrations.outbox.models import Delivery, DeliveryState
from integrations.outbox.sending.retry_policy import Disposition
from orders import files, merge_patch, results, uploads
from orders.models import Order, Upload, UploadState

S = DeliveryState
# Neither a success nor a refusal: the outcome is unknown, and the call cannot be repeated.
UNCERTAIN_STATUSES = (*range(200, 400), *range(500, 600))
# The endpoint may not be available to us. The link is sent instead, and no result has to wait.
REFUSED_STATUSES = (403, 404, 410, 415)
SKIP_REASONS: dict[str, str] = {
    UploadState.SENT: "SmartRecruiters already has it",
    UploadState.REMOVED: "the report was removed",
}


class UploadHandler(handlers.Handler):
    """Upload a file, once. After a refusal its link is sent instead; the next result resolves an unknown outcome."""

    kind = "upload"
    phrase = "the report"
    delivered_text = "Report uploaded to SmartRecruiters"
    success_statuses = frozenset({201})
    is_idempotent = False
    dispositions = (
        dict.fromkeys(UNCERTAIN_STATUSES, Disposition.UNKNOWN)
        | {503: Disposition.PAUSE}
        | dict.fromkeys(REFUSED_STATUSES, Disposition.FAIL)
    )
    retry_for = timedelta(days=1)

    def skip_reason(self, delivery: Delivery) -> str:
        if Order.objects.filter(pk=delivery.subject).exclude(erased_at=None).exists():
            return "the candidate was erased"
        return SKIP_REASONS.get(uploads.load_upload(delivery).state, "")

    def is_blocked(self, delivery: Delivery) -> bool:
        """Wait for a result that is on its way: its array of attachments lacks this upload and would remove it."""
        key = merge_patch.result_key(Order(pk=delivery.subject))
        unsent = Delivery.objects.filter(key=key, state__in=[S.PENDING, S.IN_FLIGHT])
        return unsent.filter(payload__has_key="attachments").exists()

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        upload = uploads.load_upload(delivery)
        attachment = uploads.find_attachment(upload)
        if attachment is None:
            raise handlers.UndeliverableError("the report was removed")
        try:
            files.read(attachment)
        except files.DamagedFileError as error:
            raise handlers.UndeliverableError(f"the file is damaged: {error}") from None
        configuration = PartnerConfiguration.load()
        outgoing = partner_configuration.build_api(configuration).post_attachment(
            token,
            upload.order.smartrecruiters_order_id,
            configuration.upload_part_name,
            attachment.name,
            b"",
            attachment.content_type,
        )

        def run(deadline: float) -> Response:
            # Read only now, so that waiting calls hold no files in memory.
            try:
                content = files.read(attachment)
            except files.DamagedFileError as error:
                raise handlers.PermanentFailureError(f"the file is damaged: {error}") from None
            part = {configuration.upload_part_name: (attachment.name, content, attachment.content_type)}
            return _redact_url(send_request(replace(outgoing, files=part), deadline))

        shown = outgoing.redacted_dict() | {
            "body": {configuration.upload_part_name: f"{attachment.name}, {attachment.size} bytes"}
        }
        return handlers.Call(outgoing.endpoint, run, shown)

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        url = response.content.get("url")
        if not isinstance(url, str) or not uploads.URL_PATTERN.fullmatch(url):
            raise CallFailedError("the response has no valid URL", status=response.status)
        uploads.mark_sent(uploads.load_upload(delivery), url)
        resend_result(delivery.subject)

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        upload = uploads.load_upload(delivery)
        state = UploadState.DAMAGED if response is None and _is_damaged(upload) else UploadState.REFUSED
        uploads.mark_refused(upload, reason, state=state)
        resend_result(delivery.subject)

    def on_unknown(self, delivery: Delivery) -> None:
        uploads.mark_uncertain(uploads.load_upload(delivery))
        resend_result(delivery.subject)

    def on_marked_delivered(self, delivery: Delivery) -> None:
        resend_result(delivery.subject)


def resend_result(order_id: str) -> None:
    """Queue the current result again, if one was sent before and the order is not erased."""
    try:
        order = results.lock_order(order_id)
    except APIException:
        return
    if Delivery.objects.filter(key=merge_patch.result_key(order)).exists():
        results.enqueue_result(order)


def _is_damaged(upload: Upload) -> bool:
    attachment = uploads.find_attachment(upload)
    try:
        if attachment is not None:
            files.read(attachment)
    except files.DamagedFileError:
        return True
    return False


def _redact_url(response: Response) -> Response:
    """Mask the URL in the text of a success: it may open the report without signing in."""
    return replace(response, text='{"url": "***"}') if response.status == 201 else response
