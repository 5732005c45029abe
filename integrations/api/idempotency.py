"""`Idempotency-Key` on any POST of the engine's API (INTERFACE.md): the stored answer comes back whole, for a day."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.api.authentication import get_caller
from integrations.api.errors import PROBLEM_MEDIA_TYPE, ConflictError, UnprocessableError
from integrations.models import IdempotencyRecord

RETENTION = timedelta(days=1)
CLAIM_TIMEOUT = timedelta(minutes=1)
MAX_KEY_LENGTH = 255


class ReplayedRequestError(Exception):
    """This call was made before; here is its answer."""

    def __init__(self, record: IdempotencyRecord) -> None:
        super().__init__()
        content_type = PROBLEM_MEDIA_TYPE if (record.status or 0) >= 400 else None
        body = json.loads(record.body) if record.body else None
        self.response = Response(body, record.status, content_type=content_type)


def hash_body(content: Any) -> str:
    """Of the fields and the files' content, so that another order of keys or another boundary is the same body."""
    return hashlib.sha256(json.dumps(_normalize_content(content), sort_keys=True).encode()).hexdigest()


def _normalize_content(content: Any) -> Any:
    if isinstance(content, Mapping):
        lists = content.lists() if hasattr(content, "lists") else ((key, content[key]) for key in content)
        return {key: _normalize_content(value) for key, value in lists}
    if isinstance(content, list):
        return [_normalize_content(item) for item in content]
    if isinstance(content, UploadedFile):
        found = hashlib.file_digest(content.open(), "sha256").hexdigest()
        content.seek(0)
        return [content.name, found]
    return content


def claim_key(request: Request, key: str) -> IdempotencyRecord:
    """Claim the key for this call.

    Raises ReplayedRequestError, ConflictError while it runs, UnprocessableError for another body or a key that
    is none.
    """
    if not key.isascii() or not key.isprintable() or not key.strip() or len(key) > MAX_KEY_LENGTH:
        raise UnprocessableError({"Idempotency-Key": [f"Send 1 to {MAX_KEY_LENGTH} printable ASCII characters."]})
    mine = {"client": get_caller(request).client, "path": request.path.rstrip("/"), "key": key}
    now = timezone.now()
    outlived = IdempotencyRecord.objects.filter(**mine)
    outlived.filter(created_at__lt=now - RETENTION).delete()
    outlived.filter(status=None, created_at__lt=now - CLAIM_TIMEOUT).delete()  # its process died
    body = hash_body(request.data)
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(**mine, digest=body)
    except IntegrityError:
        first = IdempotencyRecord.objects.filter(**mine).first()
    if first is None or (first.status is None and first.digest == body):
        raise ConflictError("The first call with this Idempotency-Key still runs: ask again in a moment.")
    if first.digest != body:
        raise UnprocessableError({"Idempotency-Key": ["This key was used with another body: take a new key."]})
    raise ReplayedRequestError(first)


def delete_expired() -> None:
    IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - RETENTION).delete()


class IdempotentAPIView(APIView):
    """A view whose POSTs may carry an Idempotency-Key."""

    claim: IdempotencyRecord | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if key is not None and request.method == "POST":
            self.claim = claim_key(request, key)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ReplayedRequestError):
            return exc.response
        try:
            return super().handle_exception(exc)
        except Exception:
            self._release_claim()  # a failure of ours: the next call may try again
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.claim is not None and response.status_code < 500:
            self.claim.status = response.status_code
            self.claim.body = "" if response.data is None else JSONRenderer().render(response.data).decode()
            # Nothing is kept of a claim that is gone by now: what it is about was erased while it ran.
            IdempotencyRecord.objects.filter(pk=self.claim.pk).update(
                status=self.claim.status, body_sealed=self.claim.body_sealed
            )
        else:
            self._release_claim()
        return super().finalize_response(request, response, *args, **kwargs)

    def _release_claim(self) -> None:
        if self.claim is not None:
            self.claim.delete()
            self.claim = None


class EngineView(IdempotentAPIView):
    # No docstring: the reference would show it at every call that has none of its own.

    required_scope = "vendor"
