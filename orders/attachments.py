"""Reports of an order: files that we host, and addresses of the engine's."""

from django.db import transaction
from rest_framework.exceptions import NotFound

from integrations.api.errors import Unprocessable
from integrations.outbox.models import Delivery
from orders import files, links, merge_patch, results, uploads
from orders.models import Attachment, Hop, Order, OrderEvent, make_link_token

MAX_PER_ORDER = 100


def add_file(
    order_id: str, content: bytes, *, assessment_id: str = "", name: str = "", by: str
) -> tuple[Attachment, bool]:
    """Keep a file and decide that its link goes out; and whether it is new. The same content again is the same row.

    Raises files.Unusable, OSError when the disk is full, Unprocessable when the order has too many, NotFound, Gone.
    """
    kind = files.kind_of(content)
    wanted = Attachment(
        assessment_id=assessment_id,
        type=files.type_of(kind),
        name=files.display_name(name, kind),
        digest=files.digest_of(content),
        content_type=kind,
        size=len(content),
    )
    wanted.file = files.store(content)
    try:
        kept, is_new = _keep(order_id, wanted, by)
    except BaseException:
        files.remove(wanted.file)
        raise
    if not is_new:
        files.remove(wanted.file)
    return kept, is_new


def add_address(
    order_id: str, url: str, *, type: str, assessment_id: str = "", name: str = "", by: str
) -> tuple[Attachment, bool]:
    """The same for a report that lies elsewhere; `url` is checked before."""
    digest = files.digest_of(url.encode())
    wanted = Attachment(assessment_id=assessment_id, type=type, name=name, digest=digest, external_url=url)
    return _keep(order_id, wanted, by)


@transaction.atomic
def _keep(order_id: str, wanted: Attachment, by: str) -> tuple[Attachment, bool]:
    order = results.lock(order_id)
    there = order.attachments.filter(assessment_id=wanted.assessment_id, digest=wanted.digest).first()
    if there is not None:
        return there, False
    if order.attachments.count() >= MAX_PER_ORDER:
        raise Unprocessable(f"An order has at most {MAX_PER_ORDER} attachments; remove one first.")
    wanted.order = order
    if wanted.file:
        token = make_link_token()
        wanted.link_token_hash, wanted.link_token = links.hash_of(token), token
    wanted.save(force_insert=True)
    _note(order, "Attachment added", wanted, by)
    if order.status:
        results.send(order)
    return wanted, True


@transaction.atomic
def remove(order_id: str, attachment_id: str, *, by: str) -> None:
    """Take a report away, here and, when anything of the order was told, at SmartRecruiters. Raises NotFound, Gone."""
    order = results.lock(order_id)
    attachment = order.attachments.filter(pk=attachment_id).first()
    if attachment is None:
        raise NotFound("No such attachment.")
    attachment.delete()
    uploads.forget(order, attachment.digest)
    _note(order, "Attachment removed", attachment, by)
    if Delivery.objects.filter(key=merge_patch.key_of(order)).exists():
        results.send(order)
    if attachment.file:
        transaction.on_commit(lambda: files.remove(attachment.file))


def _note(order: Order, what: str, attachment: Attachment, by: str) -> None:
    order.save(update_fields=["updated_at"])
    detail = {"type": attachment.type, "assessment_id": attachment.assessment_id or None}
    OrderEvent.objects.create(order=order, hop=Hop.ENGINE, what=what, by=by, detail=detail)
