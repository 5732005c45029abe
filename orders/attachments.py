"""Reports attached to an order: files that we host, and URLs of the engine."""

from dataclasses import dataclass

import structlog
from django.db import transaction
from rest_framework.exceptions import NotFound

from integrations import audit, clamav
from integrations.api.errors import ServiceUnavailableError, UnprocessableError
from integrations.encryption import hash_token
from integrations.outbox.models import Delivery
from orders import files, merge_patch, results, uploads
from orders.models import Attachment, Hop, Order, OrderEvent, make_link_token

log = structlog.get_logger(__name__)
MAX_PER_ORDER = 100


class ScannerUnavailableError(ServiceUnavailableError):
    default_code = "scanner_unavailable"
    default_detail = "The file could not be scanned for malware, so nothing was stored. Try again in a minute."
    wait = 30


@dataclass(frozen=True)
class CheckedFile:
    """A file of an accepted type in which the scanner found no malware."""

    content: bytes
    content_type: str


def check_file(order_id: str, content: bytes, *, by: str) -> CheckedFile:
    """Detect a file's type and scan it for malware, outside a transaction: a scan may take seconds.

    Raises files.UnsupportedFileError, also for malware, and ScannerUnavailableError.
    """
    content_type = files.detect_content_type(content)
    try:
        clamav.scan(content)
    except clamav.MalwareFoundError as found:
        digest = files.compute_digest(content)
        log.error("malware refused", order=order_id, signature=str(found), sha256=digest)
        audit.record("order.malware_refused", order_id, by=by, signature=str(found), sha256=digest)
        raise files.MalwareError(f"contains malware ({found}) and was not stored") from None
    except clamav.ScannerUnavailableError as error:
        log.error("file not scanned", order=order_id, reason=f"the malware scanner {error}")
        raise ScannerUnavailableError from None
    return CheckedFile(content, content_type)


def add_file(
    order_id: str, content: bytes, *, assessment_id: str = "", name: str = "", by: str
) -> tuple[Attachment, bool]:
    """Check a file, store it and queue it for SmartRecruiters. Return as `add_checked_file` does, raise as both do."""
    checked = check_file(order_id, content, by=by)
    return add_checked_file(order_id, checked, assessment_id=assessment_id, name=name, by=by)


def add_checked_file(
    order_id: str, checked: CheckedFile, *, assessment_id: str = "", name: str = "", by: str
) -> tuple[Attachment, bool]:
    """Store a file and queue it for SmartRecruiters. Return it, and whether it is new: content is attached once.

    Raises OSError (disk full), UnprocessableError (too many), NotFound, GoneError.
    """
    content, kind = checked.content, checked.content_type
    wanted = Attachment(
        assessment_id=assessment_id,
        type=files.get_attachment_type(kind),
        name=files.sanitize_name(name, kind),
        digest=files.compute_digest(content),
        content_type=kind,
        size=len(content),
    )
    wanted.file = files.store(content)
    try:
        attachment, is_new = _save_attachment(order_id, wanted, by)
    except BaseException:
        files.remove(wanted.file)
        raise
    if not is_new:
        files.remove(wanted.file)
    return attachment, is_new


def add_url(
    order_id: str, url: str, *, type: str, assessment_id: str = "", name: str = "", by: str
) -> tuple[Attachment, bool]:
    """Attach a report at the engine. The caller has validated `url`."""
    digest = files.compute_digest(url.encode())
    wanted = Attachment(assessment_id=assessment_id, type=type, name=name, digest=digest, external_url=url)
    return _save_attachment(order_id, wanted, by)


@transaction.atomic
def _save_attachment(order_id: str, attachment: Attachment, by: str) -> tuple[Attachment, bool]:
    order = results.lock_order(order_id)
    present = order.attachments.filter(assessment_id=attachment.assessment_id, digest=attachment.digest).first()
    if present is not None:
        return present, False
    if order.attachments.count() >= MAX_PER_ORDER:
        raise UnprocessableError(f"An order has at most {MAX_PER_ORDER} attachments: remove one first.")
    attachment.order = order
    if attachment.file:
        token = make_link_token()
        attachment.link_token_hash, attachment.link_token = hash_token(token), token
    attachment.save(force_insert=True)
    _record_event(order, "Attachment added", attachment, by)
    if order.status:
        results.enqueue_result(order)
    return attachment, True


@transaction.atomic
def remove(order_id: str, attachment_id: str, *, by: str) -> None:
    """Remove a report here and, if a result was sent, at SmartRecruiters. Raises NotFound, GoneError."""
    order = results.lock_order(order_id)
    attachment = order.attachments.filter(pk=attachment_id).first()
    if attachment is None:
        raise NotFound("There is no attachment with this id.")
    attachment.delete()
    uploads.cancel_unused(order, attachment.digest)
    _record_event(order, "Attachment removed", attachment, by)
    if Delivery.objects.filter(key=merge_patch.result_key(order)).exists():
        results.enqueue_result(order)
    if attachment.file:
        transaction.on_commit(lambda: files.remove(attachment.file))


def _record_event(order: Order, what: str, attachment: Attachment, by: str) -> None:
    order.save(update_fields=["updated_at"])
    detail = {"type": attachment.type, "assessment_id": attachment.assessment_id or None}
    OrderEvent.objects.create(order=order, hop=Hop.ENGINE, what=what, by=by, detail=detail)
