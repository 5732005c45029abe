"""Idempotency keys for any POST of the engine's API, see "Idempotency" in orders/api/README.md."""

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
    """The request was made before. `response` is the stored one."""

    def __init__(self, record: IdempotencyRecord) -> None:
        super().__init__()
        content_type = PROBLEM_MEDIA_TYPE if (record.status or 0) >= 400 else None
        body = json.loads(record.body) if record.body else None
        self.response = Response(body, record.status, content_type=content_type)


def hash_body(content: Any) -> str:
    """Return a digest of fields and files that ignores the order of keys and the multipart boundary."""
    return hashlib.sha256(json.dumps(_normalize_content(content), sort_keys=True).encode()).hexdigest()


def _normalize_content(content: Any) -> Any:
    if isinstance(content, Mapping):
        lists = content.lists() if hasattr(content, "lists") else ((key, content[key]) for key in content)
        return {key: _normalize_content(value) for key, value in lists}
    if isinstance(content, list):
        return [_normalize_content(item) for item in content]
    if isinstance(content, UploadedFile):
        digest = hashlib.file_digest(content.open(), "sha256").hexdigest()
        content.seek(0)
        return [content.name, digest]
    return content


def claim_key(request: Request, key: str) -> IdempotencyRecord:
    """Claim the key for this request.

    Raises ReplayedRequestError if the first request is complete, ConflictError if it is still running, and
    UnprocessableError for another body or an invalid key.
    """
    if not key.isascii() or not key.isprintable() or not key.strip() or len(key) > MAX_KEY_LENGTH:
        raise UnprocessableError({"Idempotency-Key": [f"Send 1 to {MAX_KEY_LENGTH} printable ASCII characters."]})
    scope = {"client": get_caller(request).client, "path": request.path.rstrip("/"), "key": key}
    now = timezone.now()
    records = IdempotencyRecord.objects.filter(**scope)
    records.filter(created_at__lt=now - RETENTION).delete()
    records.filter(status=None, created_at__lt=now - CLAIM_TIMEOUT).delete()  # its process died
    digest = hash_body(request.data)
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(**scope, digest=digest)
    except IntegrityError:
        first = records.first()
    # No record: the first request failed between the two queries. The client asks again in either case.
    if first is None or (first.status is None and first.digest == digest):
        raise ConflictError("The first request with this Idempotency-Key is still running: try again in a moment.")
    if first.digest != digest:
        raise UnprocessableError({"Idempotency-Key": ["This key was used with another body: use a new key."]})
    raise ReplayedRequestError(first)


def delete_expired() -> None:
    IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - RETENTION).delete()


class IdempotentAPIView(APIView):
    """A view with support for Idempotency-Key in its POSTs."""

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
            self._release_claim()  # an unexpected error: the next request may try again
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.claim is not None and response.status_code < 500:
            self.claim.status = response.status_code
            self.claim.body = "" if response.data is None else JSONRenderer().render(response.data).decode()
            # Not `save`: an erasure that ran meanwhile deleted the claim, and it must not come back.
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
    # A comment, since the API reference would show a docstring at every operation that has none.

    required_scope = "vendor"
