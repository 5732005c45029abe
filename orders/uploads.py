"""Reports that go to SmartRecruiters as files, for connections that want them so.

An upload cannot be repeated: its content goes once, whatever asks for it, and what nobody knows of it is learned from
SmartRecruiters' answer to the next result, which lists the attachments there are.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from django.conf import settings

from integrations.connections import partner_configuration
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState, Priority
from orders import merge_patch
from orders.models import Attachment, Order, Upload, UploadState

log = structlog.get_logger(__name__)
S = DeliveryState
URL_PATTERN = re.compile(r"https?://[!-~]{1,2000}")
CONFIRMED_REASON = "SmartRecruiters shows it with a later result"
UNCONFIRMED_REASON = "SmartRecruiters does not show it with a later result, so its link was sent instead"


def plan_uploads(order: Order) -> None:
    """Decide that the order's files are uploaded, each content once. Call it with the order locked.

    Not for inline orders, and not for what went out as a link already: it stays one.
    """
    attached = [each for each in order.attachments.all() if each.file]
    if not attached or order.is_inline:
        return
    ledger = {row.digest: row for row in order.uploads.all()}
    is_new = any(each.digest not in ledger for each in attached)
    if is_new and partner_configuration.uploads_reports(order.connection):
        linked = _possibly_linked_ids(order)
        for each in attached:
            if each.digest not in ledger and each.pk not in linked:
                ledger[each.digest] = Upload.objects.create(order=order, digest=each.digest)
    for digest in dict.fromkeys(each.digest for each in attached):
        upload = ledger.get(digest)
        if upload is not None and upload.state in (UploadState.PLANNED, UploadState.REMOVED):
            _set_state(upload, UploadState.PLANNED)
            _enqueue_upload(order, upload)


def _possibly_linked_ids(order: Order) -> set[str]:
    """Attachments whose link SmartRecruiters may hold."""
    sent = merge_patch.possibly_sent(Delivery.objects.filter(key=merge_patch.result_key(order)))
    urls = [entry["url"] for delivery in sent for entry in merge_patch.attachment_entries(delivery.payload)]
    return {url.removeprefix(merge_patch.HOSTED_PREFIX) for url in urls if url.startswith(merge_patch.HOSTED_PREFIX)}


def _enqueue_upload(order: Order, upload: Upload) -> None:
    """Unless there is a delivery that has not come to nothing: a second one would double what the first has done."""
    if not Delivery.objects.filter(key=upload.delivery_key).exclude(state__in=[S.SUPERSEDED, S.FAILED]).exists():
        deliveries.enqueue(
            "upload",
            stream=order.connection.stream_name,
            key=upload.delivery_key,
            payload={"upload": upload.pk},
            priority=Priority.ACT,
            subject=order.pk,
        )


def cancel_unused(order: Order, digest: str) -> None:
    """The attachment is gone; if it was the last with this content, what was not uploaded need not be any more."""
    if not order.attachments.filter(digest=digest).exists():
        row = order.uploads.filter(digest=digest).exclude(state=UploadState.SENT).first()
        if row is not None:
            _set_state(row, UploadState.REMOVED)


def load_upload(delivery: Delivery) -> Upload:
    return Upload.objects.select_related("order").get(pk=delivery.payload["upload"])


def find_attachment(upload: Upload) -> Attachment | None:
    attached = Attachment.objects.filter(order=upload.order_id, digest=upload.digest)
    return attached.exclude(file="").first()


def mark_sent(upload: Upload, url: str) -> None:
    """It is there, under this address."""
    upload.url = url
    _set_state(upload, UploadState.SENT)


def mark_refused(upload: Upload, reason: str, *, state: UploadState = UploadState.REFUSED) -> None:
    """It is not uploaded, for this reason."""
    log.error("a report was not uploaded", order=upload.order_id, state=str(state))
    if upload.state not in (UploadState.SENT, UploadState.REMOVED):
        _set_state(upload, state, reason)


def mark_uncertain(upload: Upload) -> None:
    """Nobody knows whether it is there: until somebody does, no array that might lack it is sent."""
    log.error("whether a report was uploaded is not known", order=upload.order_id)
    if upload.state in (UploadState.REFUSED, UploadState.DAMAGED):
        _set_state(upload, UploadState.PLANNED)


def _set_state(upload: Upload, state: UploadState, reason: str = "") -> None:
    upload.state, upload.reason = state, reason[:500]
    upload.save(update_fields=["state", "url_sealed", "reason", "updated_at"])


def unresolved_deliveries(order_id: str) -> list[Delivery]:
    """Deliveries of planned uploads that may have had their effect: nobody knows, or a person says so."""
    planned = Upload.objects.filter(order=order_id, state=UploadState.PLANNED)
    return list(merge_patch.possibly_uploaded(planned).exclude(state=S.IN_FLIGHT).order_by("pk"))


def _possibly_stored(order_id: str) -> list[Delivery]:
    """Of all uploads whose address nobody knows, also of those whose report was removed since."""
    nameless = Upload.objects.filter(order=order_id, state__in=[UploadState.PLANNED, UploadState.REMOVED])
    return list(merge_patch.possibly_uploaded(nameless).order_by("pk"))


def resolve_from_response(order: Order, unresolved: Iterable[Delivery], response: Any) -> bool:
    """What SmartRecruiters' answer shows of uploads that were in doubt before it was asked. True: more is known now.

    An address that is not ours settles the one upload that it fits, of all that may be there by now: another may have
    gone out while the answer was on its way. Where there is no such address at all, none of those in doubt arrived.
    Anything else is left to a later answer, or to a person.
    """
    unresolved = list(unresolved)
    strange = _unknown_urls(order, response)
    if not strange:
        for delivery in unresolved:
            _resolve_upload(delivery, "", UNCONFIRMED_REASON)
        return bool(unresolved)
    found = [
        (delivery, url) for delivery, url in _match_urls(_possibly_stored(order.pk), strange) if delivery in unresolved
    ]
    for delivery, url in found:
        _resolve_upload(delivery, url, CONFIRMED_REASON)
    if len(found) < len(unresolved):
        log.error("an upload is in doubt, and SmartRecruiters' answer does not settle it", order=order.pk)
    return bool(found)


def _resolve_upload(delivery: Delivery, url: str, reason: str) -> None:
    deliveries.resolve_unknown(delivery, was_processed=bool(url), reason=reason)
    if url:
        mark_sent(load_upload(delivery), url)
    else:
        mark_refused(load_upload(delivery), reason)


def _match_urls(possibly_stored: list[Delivery], unknown_urls: list[str]) -> list[tuple[Delivery, str]]:
    """By the file's name, where one address fits one upload; of one upload and one address, without it."""
    if len(possibly_stored) == len(unknown_urls) == 1:
        return [(possibly_stored[0], unknown_urls[0])]
    fits = {
        delivery.pk: [url for url in unknown_urls if _has_matching_name(delivery, url)] for delivery in possibly_stored
    }
    claims = [url for urls in fits.values() for url in urls]
    return [
        (delivery, fits[delivery.pk][0])
        for delivery in possibly_stored
        if len(fits[delivery.pk]) == 1 and claims.count(fits[delivery.pk][0]) == 1
    ]


def _has_matching_name(delivery: Delivery, url: str) -> bool:
    """Or may be: what was removed bore a name that nobody remembers."""
    attachment = find_attachment(load_upload(delivery))
    return attachment is None or unquote(PurePosixPath(urlsplit(url).path).name) == attachment.name


def _unknown_urls(order: Order, response: Any) -> list[str]:
    """Addresses of attachments in the answer that we have not given and were not told, each once."""
    known = {attachment.external_url for attachment in order.attachments.all()}
    known |= {upload.url for upload in order.uploads.filter(state=UploadState.SENT)}
    ours = f"{settings.PUBLIC_URL}/files/"
    return [url for url in extract_urls(response) if url not in known and not url.startswith(ours)]


def extract_urls(response: Any) -> list[str]:
    """The attachments' addresses in an answer of whatever shape."""
    if not isinstance(response, Mapping):
        return []
    parts = [response, *_filter_mappings(response.get("assessmentResults"))]
    urls = [entry.get("url") for part in parts for entry in _filter_mappings(part.get("attachments"))]
    return list(dict.fromkeys(url for url in urls if isinstance(url, str) and URL_PATTERN.fullmatch(url)))


def _filter_mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
