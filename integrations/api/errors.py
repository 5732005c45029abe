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

PROBLEM_MEDIA_TYPE = "application/problem+json"
STATUS_TITLES = {400: "Bad request", 413: "Body too large", 422: "Not acceptable as it stands", 500: "Our fault"}
STATUS_DETAILS = {
    404: "There is nothing here.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    500: "Something went wrong here. Nothing of this request was kept; try again later.",
    503: "The database is busy. Nothing of this request was kept; try again in a few seconds.",
}


class ConflictError(exceptions.APIException):
    status_code, default_code, default_detail = 409, "conflict", "That is not possible now."


class GoneError(exceptions.APIException):
    status_code, default_code, default_detail = 410, "erased", "The candidate was erased."


class BodyTooLargeError(exceptions.APIException):
    status_code, default_code, default_detail = 413, "too_large", STATUS_DETAILS[413]


class UnsupportedBodyError(exceptions.APIException):
    status_code, default_code, default_detail = 415, "unsupported_media_type", "Send application/json."


class UnprocessableError(exceptions.ValidationError):
    """What an engine sent is JSON but wrong: 422, each error with its field and what would be right."""

    status_code = 422


class ServiceUnavailableError(exceptions.APIException):
    status_code, default_code, default_detail = 503, "busy", STATUS_DETAILS[503]


READ_ONLY_SQLSTATE = "25006"
INCOMPLETE_BODY = "The body broke off before its end, or came too slowly."
ErrorItem = dict[str, str]


def build_problem(status: int, detail: str = "", errors: list[ErrorItem] | None = None) -> dict[str, Any]:
    """The body. `errors`: `[{"code", "message", "field"?}]`; without any, the detail alone is the one error."""
    title = STATUS_TITLES.get(status) or HTTPStatus(status).phrase
    detail = detail or STATUS_DETAILS.get(status, title)
    code = HTTPStatus(status).name.lower()
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "errors": errors or [{"code": code, "message": detail}],
    }


def flatten_errors(detail: Any, path: tuple[str, ...] = ()) -> list[ErrorItem]:
    """DRF's nested error detail as a flat list, `field` a path with dots like `assessment_results.0.score.raw`."""
    if isinstance(detail, dict):
        return [
            error
            for key, value in detail.items()
            for error in flatten_errors(value, path if key == "non_field_errors" else (*path, str(key)))
        ]
    if isinstance(detail, list):
        if all(isinstance(item, exceptions.ErrorDetail) for item in detail):
            return [error for item in detail for error in flatten_errors(item, path)]
        return [error for index, item in enumerate(detail) for error in flatten_errors(item, (*path, str(index)))]
    error = {"code": str(getattr(detail, "code", "invalid")), "message": str(detail)}
    return [{**error, "field": ".".join(path)} if path else error]


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    if isinstance(error, Http404):
        error = exceptions.NotFound(STATUS_DETAILS[404])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, UnreadablePostError):
        error = exceptions.ParseError(INCOMPLETE_BODY)
    elif is_database_unavailable(error):
        log.warning("database busy", error=type(error).__name__)
        error = ServiceUnavailableError()
    elif isinstance(error, exceptions.UnsupportedMediaType):
        error = UnsupportedBodyError(f"Send {' or '.join(kind.media_type for kind in context['view'].parser_classes)}.")
    elif isinstance(error, exceptions.MethodNotAllowed):
        methods = [name for name in context["view"].allowed_methods if name not in ("HEAD", "OPTIONS")]
        error = exceptions.MethodNotAllowed("", f"This address takes {', '.join(methods)} and nothing else.")
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        errors = flatten_errors(error.detail)
        first = errors[0] if errors else {"message": ""}
        detail = f"{first['field']}: {first['message']}" if "field" in first else first["message"]
    else:
        errors = flatten_errors(error.detail)
        detail = errors[0]["message"]
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) or isinstance(error, ServiceUnavailableError):
        headers["Retry-After"] = str(int(wait or 2))
    return Response(
        build_problem(error.status_code, detail, errors),
        error.status_code,
        headers=headers,
        content_type=PROBLEM_MEDIA_TYPE,
    )


def problem_response(status: int, detail: str = "") -> HttpResponse:
    return HttpResponse(json.dumps(build_problem(status, detail)), status=status, content_type=PROBLEM_MEDIA_TYPE)


def is_database_unavailable(error: Exception) -> bool:
    """The database is away, locked, full, or, on PostgreSQL after a failover, still a copy that is only read."""
    is_copy = isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY_SQLSTATE
    return is_copy or isinstance(error, OperationalError)


def is_api_path(path: str) -> bool:
    is_page = f"{path}/".startswith("/smartrecruiters/integration/")
    return path.startswith("/api/") or (path.startswith("/smartrecruiters/") and not is_page)


class ProblemMiddleware:
    """Gives the API routes their error body where Django itself answered: 404, 405, 413, 500 and the like."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not is_api_path(request.path)
            or response.get("Content-Type") == PROBLEM_MEDIA_TYPE
        ):
            return response
        replacement = problem_response(response.status_code)
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if response.has_header(name):
                replacement[name] = response[name]
        return replacement

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A busy database is 503, never 500: nothing was kept, and the caller may try again. A bad line is his."""
        if isinstance(error, UnreadablePostError):
            return (
                problem_response(400, INCOMPLETE_BODY)
                if is_api_path(request.path)
                else HttpResponse(INCOMPLETE_BODY, status=400)
            )
        if not is_database_unavailable(error):
            return None
        log.warning("database busy", error=type(error).__name__)
        response = problem_response(503) if is_api_path(request.path) else HttpResponse(STATUS_DETAILS[503], status=503)
        response["Retry-After"] = "2"
        return response
