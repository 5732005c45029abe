"""The delivery of kind `upload`: POST a file, once (PROTOCOL.md, `/orders/{orderId}/results/attachment`)."""

from dataclasses import replace
from datetime import timedelta

from rest_framework.exceptions import APIException

from integrations.connections import partner_configuration
from integrations.http.client import CallFailed, Reply, send
from integrations.models import PartnerConfiguration
from integrations.outbox import handlers
from integrations.outbox.models import Delivery, DeliveryState
from integrations.outbox.retry_policy import Cure
from orders import files, merge_patch, results, uploads
from orders.models import Order, Upload, UploadState

S = DeliveryState
# An answer that is neither a success nor a refusal says nothing of the effect, and this call cannot be repeated.
UNCERTAIN_STATUSES = (*range(200, 400), *range(500, 600))
# The route itself may not be ours to use; its link goes out instead, and no result has to wait for it.
REFUSED_STATUSES = (403, 404, 410, 415)
SKIP_REASONS: dict[str, str] = {
    UploadState.SENT: "SmartRecruiters has it already",
    UploadState.REMOVED: "the report was removed",
}


class UploadHandler(handlers.Handler):
    """Once per content. What is refused goes out as a link; what nobody knows of is asked for with the next result."""

    kind = "upload"
    success = frozenset({201})
    is_idempotent = False
    cures = dict.fromkeys(UNCERTAIN_STATUSES, Cure.UNKNOWN) | {503: Cure.PAUSE} | dict.fromkeys(REFUSED_STATUSES, Cure.FAIL)
    gives_up_after = timedelta(days=1)

    def unwanted(self, delivery: Delivery) -> str:
        if Order.objects.filter(pk=delivery.subject).exclude(erased_at=None).exists():
            return "the candidate was erased"
        return SKIP_REASONS.get(uploads.load_upload(delivery).state, "")

    def must_wait(self, delivery: Delivery) -> bool:
        """For a result on its way whose array of attachments does not hold it, and would take it away."""
        key = merge_patch.result_key(Order(pk=delivery.subject))
        on_its_way = Delivery.objects.filter(key=key, state__in=[S.PENDING, S.IN_FLIGHT])
        return on_its_way.filter(payload__has_key="attachments").exists()

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        upload = uploads.load_upload(delivery)
        attachment = uploads.find_attachment(upload)
        if attachment is None:
            raise handlers.Undeliverable("the report was removed")
        try:
            files.read(attachment)
        except files.DamagedFileError as error:
            raise handlers.Undeliverable(f"the file is damaged: {error}") from None
        configuration = PartnerConfiguration.load()
        outgoing = partner_configuration.build_api(configuration).post_attachment(
            token,
            upload.order.smartrecruiters_order_id,
            configuration.upload_part_name,
            attachment.name,
            b"",
            attachment.content_type,
        )

        def run(deadline: float) -> Reply:
            """The content is read when it goes, not while it waits for its turn."""
            try:
                content = files.read(attachment)
            except files.DamagedFileError as error:
                raise handlers.CallRefused(f"the file is damaged: {error}") from None
            part = {configuration.upload_part_name: (attachment.name, content, attachment.content_type)}
            return _redact_url(send(replace(outgoing, files=part), deadline))

        shown = outgoing.shown() | {
            "body": {configuration.upload_part_name: f"{attachment.name}, {attachment.size} bytes"}
        }
        return handlers.Call(outgoing.endpoint, run, shown)

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        url = reply.content.get("url")
        if not isinstance(url, str) or not uploads.URL_PATTERN.fullmatch(url):
            raise CallFailed("the answer holds no address", status=reply.status)
        uploads.mark_sent(uploads.load_upload(delivery), url)
        resend_result(delivery.subject)

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        upload = uploads.load_upload(delivery)
        state = UploadState.DAMAGED if reply is None and _is_damaged(upload) else UploadState.REFUSED
        uploads.mark_refused(upload, reason, state=state)
        resend_result(delivery.subject)

    def unknown(self, delivery: Delivery) -> None:
        uploads.mark_uncertain(uploads.load_upload(delivery))
        resend_result(delivery.subject)

    def settled(self, delivery: Delivery) -> None:
        resend_result(delivery.subject)


def resend_result(order_id: str) -> None:
    """SmartRecruiters is told how the order stands, if it was told anything yet."""
    try:
        order = results.lock_order(order_id)
    except APIException:
        return  # erased
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


def _redact_url(reply: Reply) -> Reply:
    """Of a success, the attempt keeps no address: it may open the report."""
    return replace(reply, text='{"url": "***"}') if reply.status == 201 else reply
