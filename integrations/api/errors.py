"""API errors: problem details (RFC 9457) with an `errors` extension, see "Errors" in orders/api/README.md."""

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
STATUS_TITLES = {400: "Bad request", 413: "Body too large", 422: "Unprocessable content", 500: "Internal error"}
STATUS_DETAILS = {
    404: "Not found.",
    405: "This URL does not accept this method.",
    413: "The body is too large.",
    500: "Something went wrong. Nothing of this request was stored; try again later.",
    503: "The database is busy. Nothing of this request was stored; try again in a few seconds.",
}
READ_ONLY_SQLSTATE = "25006"
INCOMPLETE_BODY = "The body was cut off, or arrived too slowly."
RETRY_AFTER_SECONDS = 2
ErrorItem = dict[str, str]


class ConflictError(exceptions.APIException):
    status_code, default_code, default_detail = 409, "conflict", "This is not possible now."


class GoneError(exceptions.APIException):
    status_code, default_code, default_detail = 410, "erased", "The candidate was erased."


class BodyTooLargeError(exceptions.APIException):
    status_code, default_code, default_detail = 413, "too_large", STATUS_DETAILS[413]


class UnsupportedBodyError(exceptions.APIException):
    status_code, default_code, default_detail = 415, "unsupported_media_type", "Send application/json."


class UnsupportedEncodingError(UnsupportedBodyError):
    """The body has a Content-Encoding. The response names the accepted one (RFC 9110, section 15.5.16)."""

    accept_encoding = "identity"


class UnprocessableError(exceptions.ValidationError):
    """Invalid values in valid JSON from an engine. Each message describes a valid value."""

    status_code = 422


class ServiceUnavailableError(exceptions.APIException):
    status_code, default_code, default_detail = 503, "busy", STATUS_DETAILS[503]
    wait = RETRY_AFTER_SECONDS


def build_problem(status: int, detail: str = "", errors: list[ErrorItem] | None = None) -> dict[str, Any]:
    """Return the body of an error. `errors` has the form `[{"code", "message", "field"?}]`, by default the detail."""
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
    """Flatten DRF's nested error detail. `field` is a path with dots like `assessment_results.0.score.raw`."""
    if isinstance(detail, dict):
        return [
            error
            for key, value in detail.items()
            for error in flatten_errors(value, path if key == "non_field_errors" else (*path, str(key)))
        ]
    if isinstance(detail, list):
        # A list holds the errors of one field, or one item for each entry of a list field.
        if all(isinstance(item, exceptions.ErrorDetail) for item in detail):
            return [error for item in detail for error in flatten_errors(item, path)]
        return [error for index, item in enumerate(detail) for error in flatten_errors(item, (*path, str(index)))]
    error = {"code": str(getattr(detail, "code", "invalid")), "message": str(detail)}
    return [{**error, "field": ".".join(path)} if path else error]


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a problem response (DRF's EXCEPTION_HANDLER); None for an unexpected exception."""
    error = _translate_exception(error, context["view"])
    if not isinstance(error, exceptions.APIException):
        return None
    errors = flatten_errors(error.detail)
    first = errors[0] if errors else {"message": ""}
    detail = f"{first['field']}: {first['message']}" if "field" in first else first["message"]
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if accept_encoding := getattr(error, "accept_encoding", None):
        headers["Accept-Encoding"] = accept_encoding
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    problem = build_problem(error.status_code, detail, errors)
    return Response(problem, error.status_code, headers=headers, content_type=PROBLEM_MEDIA_TYPE)


def _translate_exception(error: Exception, view: Any) -> Exception:
    if isinstance(error, Http404):
        return exceptions.NotFound(STATUS_DETAILS[404])
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, UnreadablePostError):
        return exceptions.ParseError(INCOMPLETE_BODY)
    if is_database_unavailable(error):
        log.warning("database busy", error=type(error).__name__)
        return ServiceUnavailableError()
    if isinstance(error, exceptions.UnsupportedMediaType):
        return UnsupportedBodyError(f"Send {' or '.join(parser.media_type for parser in view.parser_classes)}.")
    if isinstance(error, exceptions.MethodNotAllowed):
        methods = [name for name in view.allowed_methods if name not in ("HEAD", "OPTIONS")]
        return exceptions.MethodNotAllowed("", f"This URL accepts only {', '.join(methods)}.")
    return error


def problem_response(status: int, detail: str = "") -> HttpResponse:
    return HttpResponse(json.dumps(build_problem(status, detail)), status=status, content_type=PROBLEM_MEDIA_TYPE)


def is_database_unavailable(error: Exception) -> bool:
    """Return True if the database is away, locked or full, or a read-only replica after a failover of PostgreSQL."""
    is_replica = isinstance(error, InternalError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY_SQLSTATE
    return is_replica or isinstance(error, OperationalError)


def is_api_path(path: str) -> bool:
    is_page = f"{path}/".startswith("/smartrecruiters/integration/")
    return path.startswith("/api/") or (path.startswith("/smartrecruiters/") and not is_page)


class ProblemMiddleware:
    """Replace Django's own error responses on API routes by problem details, and answer 503 for a busy database."""

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
        """Answer 400 for a body that was cut off and 503 for a busy database, on API routes and on pages."""
        if isinstance(error, UnreadablePostError):
            status, detail = 400, INCOMPLETE_BODY
        elif is_database_unavailable(error):
            log.warning("database busy", error=type(error).__name__)
            status, detail = 503, STATUS_DETAILS[503]
        else:
            return None
        is_api = is_api_path(request.path)
        response = problem_response(status, detail) if is_api else HttpResponse(detail, status=status)
        if status == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
