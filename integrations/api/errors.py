"""One error body on every API route: RFC 9457 problem details with SmartRecruiters' own `errors` (INTERFACE.md)."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import InternalError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

log = structlog.get_logger(__name__)

PROBLEM = "application/problem+json"
TITLES = {400: "Bad request", 413: "Body too large", 422: "Not acceptable as it stands", 500: "Our fault"}
DETAILS = {
    404: "There is nothing here.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    500: "Something went wrong here. Nothing of this request was kept; try again later.",
    503: "The database is busy. Nothing of this request was kept; try again in a few seconds.",
}


class Conflict(exceptions.APIException):
    status_code, default_code, default_detail = 409, "conflict", "That is not possible now."


class Gone(exceptions.APIException):
    status_code, default_code, default_detail = 410, "erased", "The candidate was erased."


class BodyTooLarge(exceptions.APIException):
    status_code, default_code, default_detail = 413, "too_large", DETAILS[413]


class UnsupportedBody(exceptions.APIException):
    status_code, default_code, default_detail = 415, "unsupported_media_type", "Send application/json."


class Unprocessable(exceptions.ValidationError):
    """What an engine sent is JSON but wrong: 422, each error with its field and what would be right."""

    status_code = 422


class Busy(exceptions.APIException):
    status_code, default_code, default_detail = 503, "busy", DETAILS[503]


READ_ONLY = "25006"
BROKEN_OFF = "The body broke off before its end, or came too slowly."
Error = dict[str, str]


def problem(status: int, detail: str = "", errors: list[Error] | None = None) -> dict[str, Any]:
    """The body. `errors`: `[{"code", "message", "field"?}]`; without any, the detail alone is the one error."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    detail = detail or DETAILS.get(status, title)
    code = HTTPStatus(status).name.lower()
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": errors or [{"code": code, "message": detail}],
    }


def flatten(detail: Any, path: tuple[str, ...] = ()) -> list[Error]:
    """DRF's nested error detail as a flat list, `field` a path with dots like `assessment_results.0.score.raw`."""
    if isinstance(detail, dict):
        return [
            error
            for key, value in detail.items()
            for error in flatten(value, path if key == "non_field_errors" else (*path, str(key)))
        ]
    if isinstance(detail, list):
        if all(isinstance(item, exceptions.ErrorDetail) for item in detail):
            return [error for item in detail for error in flatten(item, path)]
        return [error for index, item in enumerate(detail) for error in flatten(item, (*path, str(index)))]
    error = {"code": str(getattr(detail, "code", "invalid")), "message": str(detail)}
    return [{**error, "field": ".".join(path)} if path else error]


def problem_of(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    if isinstance(error, Http404):
        error = exceptions.NotFound(DETAILS[404])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, UnreadablePostError):
        error = exceptions.ParseError(BROKEN_OFF)
    elif takes_nothing(error):
        log.warning("database busy", error=type(error).__name__)
        error = Busy()
    elif isinstance(error, exceptions.UnsupportedMediaType):
        error = UnsupportedBody(f"Send {' or '.join(kind.media_type for kind in context['view'].parser_classes)}.")
    elif isinstance(error, exceptions.MethodNotAllowed):
        methods = [name for name in context["view"].allowed_methods if name not in ("HEAD", "OPTIONS")]
        error = exceptions.MethodNotAllowed("", f"This address takes {', '.join(methods)} and nothing else.")
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        errors = flatten(error.detail)
        first = errors[0] if errors else {"message": ""}
        detail = f"{first['field']}: {first['message']}" if "field" in first else first["message"]
    else:
        errors = flatten(error.detail)
        detail = errors[0]["message"]
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) or isinstance(error, Busy):
        headers["Retry-After"] = str(int(wait or 2))
    return Response(
        problem(error.status_code, detail, errors), error.status_code, headers=headers, content_type=PROBLEM
    )


def problem_response(status: int, detail: str = "") -> HttpResponse:
    return HttpResponse(json.dumps(problem(status, detail)), status=status, content_type=PROBLEM)


def takes_nothing(error: Exception) -> bool:
    """The database is away, locked, full, or, on PostgreSQL after a failover, still a copy that is only read."""
    is_copy = isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY
    return is_copy or isinstance(error, OperationalError)


def is_api(path: str) -> bool:
    is_page = f"{path}/".startswith("/smartrecruiters/integration/")
    return path.startswith("/api/") or (path.startswith("/smartrecruiters/") and not is_page)


class ProblemMiddleware:
    """Gives the API routes their error body where Django itself answered: 404, 405, 413, 500 and the like."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not is_api(request.path) or response.get("Content-Type") == PROBLEM:
            return response
        replacement = problem_response(response.status_code)
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if response.has_header(name):
                replacement[name] = response[name]
        return replacement

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A busy database is 503, never 500: nothing was kept, and the caller may try again. A bad line is his."""
        if isinstance(error, UnreadablePostError):
            return problem_response(400, BROKEN_OFF) if is_api(request.path) else HttpResponse(BROKEN_OFF, status=400)
        if not takes_nothing(error):
            return None
        log.warning("database busy", error=type(error).__name__)
        response = problem_response(503) if is_api(request.path) else HttpResponse(DETAILS[503], status=503)
        response["Retry-After"] = "2"
        return response
