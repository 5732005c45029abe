"""Ledger of report uploads to SmartRecruiters, for connections with this form of report delivery.

An upload is not idempotent, so each content is sent once. If its outcome is unknown, the response to the next result
resolves it, since that lists the attachments at SmartRecruiters.
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
CONFIRMED_REASON = "SmartRecruiters lists it in the response to a later result"
UNCONFIRMED_REASON = "SmartRecruiters does not list it in the response to a later result, so the link was sent instead"


def plan_uploads(order: Order) -> None:
    """Queue the uploads of a locked order's files, each content once.

    Inline orders have no uploads, and a file whose link may have been sent stays a link.
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
    """Return the ids of attachments with a link that SmartRecruiters may have."""
    sent = merge_patch.possibly_sent(Delivery.objects.filter(key=merge_patch.result_key(order)))
    urls = [entry["url"] for delivery in sent for entry in merge_patch.attachment_entries(delivery.payload)]
    return {url.removeprefix(merge_patch.HOSTED_PREFIX) for url in urls if url.startswith(merge_patch.HOSTED_PREFIX)}


def _enqueue_upload(order: Order, upload: Upload) -> None:
    """Queue the upload, unless a delivery exists that has had or may still have its effect."""
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
    """Mark an unsent upload as removed if no attachment with this content is left."""
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
    upload.url = url
    _set_state(upload, UploadState.SENT)


def mark_refused(upload: Upload, reason: str, *, state: UploadState = UploadState.REFUSED) -> None:
    log.error("report not uploaded", order=upload.order_id, state=str(state))
    if upload.state not in (UploadState.SENT, UploadState.REMOVED):
        _set_state(upload, state, reason)


def mark_uncertain(upload: Upload) -> None:
    """Plan the upload again, so that no array of attachments is sent that may lack it."""
    log.error("outcome of a report's upload unknown", order=upload.order_id)
    if upload.state in (UploadState.REFUSED, UploadState.DAMAGED):
        _set_state(upload, UploadState.PLANNED)


def _set_state(upload: Upload, state: UploadState, reason: str = "") -> None:
    upload.state, upload.reason = state, reason[:500]
    upload.save(update_fields=["state", "url_sealed", "reason", "updated_at"])


def unresolved_deliveries(order_id: str) -> list[Delivery]:
    """Return the deliveries of planned uploads that are unknown, or that staff marked as delivered."""
    planned = Upload.objects.filter(order=order_id, state=UploadState.PLANNED)
    return list(merge_patch.possibly_uploaded(planned).exclude(state=S.IN_FLIGHT).order_by("pk"))


def _possibly_stored(order_id: str) -> list[Delivery]:
    """Return the deliveries of all uploads without a URL that may have arrived, removed ones included."""
    without_url = Upload.objects.filter(order=order_id, state__in=[UploadState.PLANNED, UploadState.REMOVED])
    return list(merge_patch.possibly_uploaded(without_url).order_by("pk"))


def resolve_from_response(order: Order, unresolved: Iterable[Delivery], response: Any) -> bool:
    """Resolve uploads from SmartRecruiters' response to a result. Return True if one was resolved.

    `unresolved` are the deliveries whose outcome was unknown before the call. An unknown URL in the response resolves
    the one upload that it matches. Candidates are all uploads that may have arrived by now, because another one may
    have been sent during the call. Without any unknown URL, they did not arrive. All else is left to a later
    response, or to staff.
    """
    unresolved = list(unresolved)
    unknown_urls = _unknown_urls(order, response)
    if not unknown_urls:
        for delivery in unresolved:
            _resolve_upload(delivery, "", UNCONFIRMED_REASON)
        return bool(unresolved)
    matches = _match_urls(_possibly_stored(order.pk), unknown_urls)
    resolved = [(delivery, url) for delivery, url in matches if delivery in unresolved]
    for delivery, url in resolved:
        _resolve_upload(delivery, url, CONFIRMED_REASON)
    if len(resolved) < len(unresolved):
        log.error("upload unresolved after SmartRecruiters' response", order=order.pk)
    return bool(resolved)


def _resolve_upload(delivery: Delivery, url: str, reason: str) -> None:
    deliveries.resolve_unknown(delivery, was_processed=bool(url), reason=reason)
    if url:
        mark_sent(load_upload(delivery), url)
    else:
        mark_refused(load_upload(delivery), reason)


def _match_urls(possibly_stored: list[Delivery], unknown_urls: list[str]) -> list[tuple[Delivery, str]]:
    """Match uploads and URLs one to one by file name. A single upload and a single URL match without it."""
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
    """Return True if the URL ends with the attachment's name, or if the attachment was deleted."""
    attachment = find_attachment(load_upload(delivery))
    return attachment is None or unquote(PurePosixPath(urlsplit(url).path).name) == attachment.name


def _unknown_urls(order: Order, response: Any) -> list[str]:
    """Return the attachment URLs in the response that are neither ours nor known from an upload, each once."""
    known = {attachment.external_url for attachment in order.attachments.all()}
    known |= {upload.url for upload in order.uploads.filter(state=UploadState.SENT)}
    ours = f"{settings.PUBLIC_URL}/files/"
    return [url for url in extract_urls(response) if url not in known and not url.startswith(ours)]


def extract_urls(response: Any) -> list[str]:
    """Return the attachments' URLs in a response. Tolerates any shape."""
    if not isinstance(response, Mapping):
        return []
    parts = [response, *_filter_mappings(response.get("assessmentResults"))]
    urls = [entry.get("url") for part in parts for entry in _filter_mappings(part.get("attachments"))]
    return list(dict.fromkeys(url for url in urls if isinstance(url, str) and URL_PATTERN.fullmatch(url)))


def _filter_mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
