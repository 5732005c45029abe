"""Refused calls of SmartRecruiters: each leaves its reason in the log, and a count for staff and for metrics.

Field names and error codes are kept, never values, so that the reason can be shown to all staff.
"""

import re
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.api.authentication import Caller
from integrations.encryption import hash_token
from integrations.models import RefusedCall

log = structlog.get_logger(__name__)

RETENTION = timedelta(days=30)
# Per company; all unknown callers count as one. A loop over many orders must not fill the table.
MAX_ORDERS = 500
MAX_KINDS = 100
MAX_ERRORS_LENGTH = 500
DATABASE_ERRORS = (DatabaseError, InterfaceError)
ORDER_ID = re.compile(r"/orders/([A-Za-z0-9-]{1,64})/results")


@dataclass(frozen=True)
class Refusal:
    """Reason of a refused call. `errors` lists `field: code`, without values."""

    endpoint: str
    status: int
    company_id: str = ""
    order_id: str = ""
    errors: str = ""


class Throttle:
    """Limits the writes for callers without valid credentials: one per second and refusal, in each process."""

    interval_seconds = 1.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self._written_at: dict[Refusal, float] = {}
        self._waiting: Counter[Refusal] = Counter()

    def add(self, refusal: Refusal) -> int:
        """Return the number of calls to write now, with those that have waited; 0 if this one has to wait."""
        now = time.monotonic()
        with self._lock:
            self._waiting[refusal] += 1
            if now - self._written_at.get(refusal, float("-inf")) < self.interval_seconds:
                return 0
            self._written_at[refusal] = now
            return self._waiting.pop(refusal)


throttle = Throttle()


def record_refusal(refusal: Refusal, *, is_authenticated: bool) -> None:
    """Log and count a refused call. Never fails: the refusal is answered in any case."""
    refusal = replace(refusal, errors=refusal.errors[:MAX_ERRORS_LENGTH])
    log.warning(
        "call refused",
        endpoint=str(refusal.endpoint),
        status=refusal.status,
        company_id=refusal.company_id,
        order_id=refusal.order_id,
        errors=refusal.errors,
    )
    calls = 1 if is_authenticated else throttle.add(refusal)
    if not calls:
        return
    try:
        with transaction.atomic():
            _count_calls(refusal, calls)
    except DATABASE_ERRORS as error:
        log.warning("refused call not counted", error=type(error).__name__)


def _count_calls(refusal: Refusal, calls: int) -> None:
    # The same work for a new row and for a known one: the time of a token call must not tell whether a client exists.
    refusal, now = _limit_rows(refusal), timezone.now()
    row = RefusedCall(**asdict(refusal), first_at=now, last_at=now)
    RefusedCall.objects.bulk_create([row], ignore_conflicts=True)
    RefusedCall.objects.filter(**asdict(refusal)).update(count=F("count") + calls, last_at=now)


def _limit_rows(refusal: Refusal) -> Refusal:
    """Leave out the order if the company has too many, then the errors if it has too many kinds of them."""
    of_company = RefusedCall.objects.filter(company_id=refusal.company_id)
    kind = Q(endpoint=refusal.endpoint, status=refusal.status, errors=refusal.errors)
    if refusal.order_id:
        others = of_company.exclude(Q(order_id="") | kind & Q(order_id=refusal.order_id))
        if others.count() < MAX_ORDERS:
            return refusal
    others = of_company.filter(order_id="").exclude(Q(errors="") | kind)
    return replace(refusal, order_id="", errors=refusal.errors if others.count() < MAX_KINDS else "")


def delete_expired() -> None:
    RefusedCall.objects.filter(last_at__lt=timezone.now() - RETENTION).delete()


def find_company_id(companies: "QuerySet[Any, str | None]") -> str:
    """Return the first of these ids of companies; "" if there is none, or no database to tell."""
    try:
        return companies.first() or ""
    except DATABASE_ERRORS:
        return ""


def find_order_id(body: object) -> str:
    """Return the order's id in the body of an order, parsed or not; "" if it cannot be read."""
    if isinstance(body, bytes):  # not JSON, so its URL may still be escaped
        text = body.decode(errors="replace").replace("\\/", "/")
    else:
        text = str(body.get("resultCallbackURL")) if isinstance(body, dict) else ""
    found = ORDER_ID.search(text)
    return found[1] if found else ""


class RefusalRecordingView(APIView):
    """View for SmartRecruiters that records its refusals under its `endpoint`."""

    endpoint: str

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if 400 <= response.status_code < 500:
            refusal = Refusal(
                self.endpoint,
                response.status_code,
                self.find_company_id(request),
                self.find_order_id(request),
                _format_errors(response.data),
            )
            record_refusal(refusal, is_authenticated=isinstance(request.auth, Caller))
        return response

    def find_company_id(self, request: Request) -> str:
        """Return the company of the token, also of an expired one; "" if it is unknown or an engine's."""
        if isinstance(request.auth, Caller):
            connection = request.auth.client.connection
            return connection.company_id if connection else ""
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return ""
        tokens = get_access_token_model().objects.filter(token_checksum=hash_token(token.strip()))
        return find_company_id(tokens.values_list("application__connection__company_id", flat=True))

    def find_order_id(self, request: Request) -> str:
        return ""


def _format_errors(problem: Any) -> str:
    """Return "field: code" of each error, without the messages, which may repeat the values."""
    errors = problem.get("errors", []) if isinstance(problem, dict) else []
    return ", ".join(f"{error['field']}: {error['code']}" if "field" in error else error["code"] for error in errors)
