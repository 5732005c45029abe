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

from integrations.api.authentication import caller
from integrations.api.errors import PROBLEM, Conflict, Unprocessable
from integrations.models import KeptAnswer

KEPT_FOR = timedelta(days=1)
RUNS_AT_MOST = timedelta(minutes=1)
MAX_KEY = 255


class Replayed(Exception):
    """This call was made before; here is its answer."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__()
        content_type = PROBLEM if (answer.status or 0) >= 400 else None
        body = json.loads(answer.body) if answer.body else None
        self.response = Response(body, answer.status, content_type=content_type)


def digest(content: Any) -> str:
    """Of the fields and the files' content, so that another order of keys or another boundary is the same body."""
    return hashlib.sha256(json.dumps(_plain(content), sort_keys=True).encode()).hexdigest()


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        lists = content.lists() if hasattr(content, "lists") else ((key, content[key]) for key in content)
        return {key: _plain(value) for key, value in lists}
    if isinstance(content, list):
        return [_plain(item) for item in content]
    if isinstance(content, UploadedFile):
        found = hashlib.file_digest(content.open(), "sha256").hexdigest()
        content.seek(0)
        return [content.name, found]
    return content


def begin(request: Request, key: str) -> KeptAnswer:
    """Claim the key for this call.

    Raises Replayed with the first call's answer, Conflict while it runs, Unprocessable for another body or a key that
    is none.
    """
    if not key.isascii() or not key.isprintable() or not key.strip() or len(key) > MAX_KEY:
        raise Unprocessable({"Idempotency-Key": [f"Send 1 to {MAX_KEY} printable ASCII characters."]})
    mine = {"client": caller(request).client, "path": request.path.rstrip("/"), "key": key}
    now = timezone.now()
    outlived = KeptAnswer.objects.filter(**mine)
    outlived.filter(created_at__lt=now - KEPT_FOR).delete()
    outlived.filter(status=None, created_at__lt=now - RUNS_AT_MOST).delete()  # its process died
    body = digest(request.data)
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(**mine, digest=body)
    except IntegrityError:
        first = KeptAnswer.objects.filter(**mine).first()
    if first is None or (first.status is None and first.digest == body):
        raise Conflict("The first call with this Idempotency-Key still runs: ask again in a moment.")
    if first.digest != body:
        raise Unprocessable({"Idempotency-Key": ["This key was used with another body: take a new key."]})
    raise Replayed(first)


def forget_old() -> None:
    KeptAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()


class IdempotentPosts(APIView):
    """A view whose POSTs may carry an Idempotency-Key."""

    claim: KeptAnswer | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get("Idempotency-Key")
        if key is not None and request.method == "POST":
            self.claim = begin(request, key)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replayed):
            return exc.response
        try:
            return super().handle_exception(exc)
        except Exception:
            self._forget()  # a failure of ours: the next call may try again
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if self.claim is not None and response.status_code < 500:
            self.claim.status = response.status_code
            self.claim.body = "" if response.data is None else JSONRenderer().render(response.data).decode()
            # Nothing is kept of a claim that is gone by now: what it is about was erased while it ran.
            KeptAnswer.objects.filter(pk=self.claim.pk).update(
                status=self.claim.status, body_sealed=self.claim.body_sealed
            )
        else:
            self._forget()
        return super().finalize_response(request, response, *args, **kwargs)

    def _forget(self) -> None:
        if self.claim is not None:
            self.claim.delete()
            self.claim = None


class EngineView(IdempotentPosts):
    # No docstring: the reference would show it at every call that has none of its own.

    required_scope = "vendor"
