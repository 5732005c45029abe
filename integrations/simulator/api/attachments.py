"""Upload of a report: POST /orders/{orderId}/results/attachment."""

import hashlib
import re
import secrets
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse

from integrations.simulator import environment
from integrations.simulator.api.bodies import get_own_order
from integrations.simulator.endpoint import ApiError, Call, api_endpoint, record_breach
from integrations.simulator.store.entities import Upload
from integrations.simulator.store.runtime import state, uploads_dir

_IMAGE_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff")


@api_endpoint("attachment", "POST", scope="assessment_result_manage")
def upload_attachment(call: Call, order_id: str) -> HttpResponse:
    order = get_own_order(call, order_id)
    if order.is_inline:
        raise ApiError(403, "FORBIDDEN", "inline orders allow no uploads", breach="upload for an inline order")
    file = _get_upload(call)
    content = file.read()
    is_image = content.startswith(_IMAGE_SIGNATURES)
    if not is_image and b"%PDF-" not in content[:1024]:
        raise ApiError(400, "BAD_REQUEST", "the file is not a PDF, PNG or JPEG", breach="upload of another type")
    if len(content) > state.settings.upload_limit:
        raise ApiError(413, "PAYLOAD_TOO_LARGE", "the file is too large")
    upload = _store_file(order_id, file.name or "file", "OTHER_URL" if is_image else "PDF_URL", content)
    with state.lock:
        if any(each.sha256 == upload.sha256 for each in state.orders[order_id].uploads):
            record_breach("attachment uploaded twice", f"{upload.name} was uploaded before", call, order_id)
        sender = {"company": order.company, "client_id": call.caller.client_id}
        state.record_event("upload", order_id=order_id, **sender, upload=vars(upload))
    call.on_lost_reply = lambda: state.record_event("upload_reply_lost", order_id=order_id, upload=upload.id)
    return JsonResponse({"url": upload.url}, status=201)


def _get_upload(call: Call) -> "UploadedFile[bytes]":
    if call.request.content_type != "multipart/form-data":
        message = "the content type must be multipart/form-data"
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message, breach="upload without a form")
    part, parts = state.settings.upload_part, call.request.FILES
    files = parts.getlist(part)
    if [*parts] != [part] or len(files) != 1 or call.request.POST:
        names = sorted({*parts, *call.request.POST})
        raise ApiError(400, "BAD_REQUEST", f"the parts are {names}, not [{part!r}]", breach="upload with other parts")
    return files[0]


def _store_file(order_id: str, name: str, kind: str, content: bytes) -> Upload:
    upload_id = secrets.token_hex(16)
    safe_name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:100] or "file"
    uploads_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    (uploads_dir / upload_id).write_bytes(content)
    return Upload(
        id=upload_id,
        name=safe_name,
        type=kind,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        url=f"{environment.PUBLIC_URL}/files/{upload_id}/{quote(safe_name)}",
    )
