"""JSON merge patch (RFC 7396) of a result: see integrations/smartrecruiters/README.md, "Results".

A missing key is unchanged at SmartRecruiters, `null` removes it, and arrays are replaced as a whole. So each patch is
complete, arrays included, and a cleared key is sent as `null` until one such patch has arrived.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from integrations.outbox.models import Attempt, Delivery, DeliveryState
from orders.models import Attachment, Order, Result, Upload, UploadState

Document = dict[str, Any]

ARRAY_KEYS = ("attachments", "assessmentResults")
# Stand for links in stored payloads, which must not open a report.
HOSTED_PREFIX = "attachment:"
UPLOADED_PREFIX = "upload:"
REPORT_LINK_PATTERN = re.compile(r"(files\\?/)[A-Za-z0-9_-]{32}")


def result_key(order: Order) -> str:
    return f"{order.pk}:result"


def format_instant(at: datetime) -> str:
    """Return a time like `2020-08-28T20:36:28.618Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def build_patch(order: Order, results: Iterable[Result] | None = None) -> Document:
    """Return the patch that leads SmartRecruiters to our state, from any state that it may have now.

    A preview passes `results` in place of the stored ones.
    """
    ledger = {row.digest: row for row in order.uploads.all()}
    attachments: defaultdict[str, list[Document]] = defaultdict(list)
    awaits_upload = False
    for attachment in order.attachments.all():
        upload = ledger.get(attachment.digest) if attachment.file else None
        awaits_upload |= upload is not None and upload.state == UploadState.PLANNED
        if url := _stored_url(attachment, upload):
            attachments[attachment.assessment_id].append({"type": attachment.type, "url": url})
    rows = {row.assessment_id: row for row in (order.results.all() if results is None else results)}
    document = _build_part(rows.pop("", None), attachments.pop("", []), date="assessmentPackageDate")
    parts = [
        {"assessmentId": assessment_id, **part}
        for assessment_id in [*rows, *(key for key in attachments if key not in rows)]
        if (part := _build_part(rows.get(assessment_id), attachments.get(assessment_id, []), date="assessmentDate"))
    ]
    if parts:
        document["assessmentResults"] = parts
    stored_keys = _possibly_stored_keys(order, has_uploads=bool(ledger))
    if _has_landed(ledger.values()):
        stored_keys.add("attachments")  # SmartRecruiters adds uploads to this array
    for key in sorted(stored_keys - document.keys()):
        document[key] = [] if key in ARRAY_KEYS else None
    if awaits_upload:
        # It may have arrived, and an array without it would remove it (X11 in tests/reliability/README.md).
        document.pop("attachments", None)
    return document


def _stored_url(attachment: Attachment, upload: Upload | None) -> str:
    if attachment.external_url:
        return attachment.external_url
    if upload is None or upload.state in (UploadState.REFUSED, UploadState.REMOVED):
        return HOSTED_PREFIX + attachment.pk
    return f"{UPLOADED_PREFIX}{upload.pk}" if upload.state == UploadState.SENT else ""


def _build_part(row: Result | None, attachments: list[Document], *, date: str) -> Document:
    """Return the keys that are set, of the package or of an assessment."""
    part: Document = {}
    if row is not None:
        part = {
            "status": row.status or None,
            date: row.assessment_date and format_instant(row.assessment_date),
            "submissionDate": row.submission_date and format_instant(row.submission_date),
            "name": row.name,
            "summary": row.summary,
            "scoreLabel": row.score_label,
            "score": row.score,
        }
    part["attachments"] = attachments or None
    return {key: value for key, value in part.items() if value is not None}


def drop_empty(document: Document) -> Document:
    """Return the keys that the patch sets, without those that it removes."""
    return {key: value for key, value in document.items() if value is not None and value != []}


def comparable(sent: Document, document: Document) -> Document:
    """Return `sent` without `attachments` if `document` omits them because an upload is pending."""
    return {key: value for key, value in sent.items() if key != "attachments" or key in document}


def _has_landed(uploads: Iterable[Upload]) -> bool:
    """Return True if an upload arrived or may have, also one whose report was removed on its way."""
    rows = list(uploads)
    removed = [row for row in rows if row.state == UploadState.REMOVED]
    return any(row.state == UploadState.SENT for row in rows) or possibly_uploaded(removed).exists()


def possibly_uploaded(uploads: Iterable[Upload]) -> QuerySet[Delivery]:
    """Return the deliveries of these uploads that are on their way or may have arrived."""
    states = [DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN, DeliveryState.DELIVERED]
    return Delivery.objects.filter(key__in=[upload.delivery_key for upload in uploads], state__in=states)


def _possibly_stored_keys(order: Order, *, has_uploads: bool) -> set[str]:
    """Return the keys that SmartRecruiters may have: of the last patch that arrived, and of those sent since."""
    sent = Delivery.objects.filter(key=result_key(order))
    arrived = sent.filter(state=DeliveryState.DELIVERED).order_by("-pk")
    last = arrived.first()
    keys = _keys_since(last, sent)
    if has_uploads and last is not None and "attachments" not in last.payload:
        # Omitted while an upload was pending, so the array before it is still there.
        keys |= _keys_since(arrived.filter(payload__has_key="attachments").first(), sent) & {"attachments"}
    return keys


def _keys_since(last: Delivery | None, sent: QuerySet[Delivery]) -> set[str]:
    since = possibly_sent(sent.filter(pk__gt=last.pk) if last else sent)
    payloads = [delivery.payload for delivery in since] + ([last.payload] if last else [])
    return {key for payload in payloads for key in drop_empty(payload)}


def possibly_sent(deliveries: Any) -> Any:
    """Return the deliveries with at least one attempt, whatever its outcome."""
    is_in_flight = Q(state=DeliveryState.IN_FLIGHT)
    return deliveries.filter(is_in_flight | Exists(Attempt.objects.filter(delivery=OuterRef("pk"))))


def resolve_urls(document: Document) -> Document:
    """Replace the placeholders of hosted and uploaded reports by their URLs. Deleted reports are left out."""
    urls = _load_urls([entry["url"] for entry in attachment_entries(document)])

    def with_urls(part: Document) -> Document:
        if not part.get("attachments"):
            return part
        return {
            **part,
            "attachments": [
                {**entry, "url": urls.get(entry["url"], entry["url"])}
                for entry in part["attachments"]
                if entry["url"] in urls or not entry["url"].startswith((HOSTED_PREFIX, UPLOADED_PREFIX))
            ],
        }

    resolved = with_urls(document)
    if resolved.get("assessmentResults"):
        resolved = {**resolved, "assessmentResults": [with_urls(part) for part in resolved["assessmentResults"]]}
    return resolved


def _load_urls(references: Iterable[str]) -> dict[str, str]:
    hosted = [url.removeprefix(HOSTED_PREFIX) for url in references if url.startswith(HOSTED_PREFIX)]
    uploaded = [url.removeprefix(UPLOADED_PREFIX) for url in references if url.startswith(UPLOADED_PREFIX)]
    urls = {}
    if hosted:
        urls = {HOSTED_PREFIX + row.pk: row.url for row in Attachment.objects.filter(pk__in=hosted)}
    if uploaded:
        urls |= {f"{UPLOADED_PREFIX}{row.pk}": row.url for row in Upload.objects.filter(pk__in=uploaded)}
    return urls


def attachment_entries(document: Document) -> list[dict[str, str]]:
    parts = [document, *(document.get("assessmentResults") or [])]
    return [entry for part in parts for entry in part.get("attachments") or []]


def redact_links(text: str) -> str:
    """Mask our links, which SmartRecruiters' response repeats, before the text is stored."""
    return REPORT_LINK_PATTERN.sub(r"\1***", text)
