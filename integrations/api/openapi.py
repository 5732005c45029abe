"""OpenAPI description of the engine's API: hooks for drf-spectacular."""

import re
from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from integrations.api.errors import PROBLEM_MEDIA_TYPE, build_problem

ENGINE_API_PREFIX = "/api/vendor/v1/"
SCHEMA_ROUTES = ("/api/vendor/v1/schema", "/api/vendor/v1/docs")
Endpoint = tuple[str, str, str, Callable[..., Any]]

TEXT_SCHEMA = {"type": "string"}
FIELD_SCHEMA = {"type": "string", "description": "For example assessment_results.0.score.raw"}
ERROR_SCHEMA = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {"code": TEXT_SCHEMA, "message": TEXT_SCHEMA, "field": FIELD_SCHEMA},
}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457 problem details, with every error and its field.",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": TEXT_SCHEMA,
        "title": TEXT_SCHEMA,
        "status": {"type": "integer"},
        "detail": TEXT_SCHEMA,
        "errors": {"type": "array", "items": ERROR_SCHEMA},
    },
}
COMMON_ERRORS = {
    "401": "No token, or an unknown, expired or revoked one",
    "403": "The token lacks the scope vendor",
    "414": "The URL is too long",
    "431": "The headers are too large",
    "503": "The database is busy: nothing was stored, try again",
}
ID_ERRORS = {"404": "Not found"}
ORDER_ERRORS = {"410": "The candidate was erased"}
BODY_ERRORS = {
    "400": "The body is not valid JSON",
    "409": "Not possible in this state, or the first request with this Idempotency-Key is still running",
    "413": "The body is too large",
    "415": "Unsupported content type",
    "422": "A field is invalid: each error names it and says what would be valid",
}
# (code, message, field)
EXAMPLE_ERRORS = {
    "400": ("parse_error", "The body is not valid JSON: a key occurs twice in one object.", ""),
    "401": ("authentication_failed", "The token is unknown, expired or revoked: request a new one.", ""),
    "403": ("insufficient_scope", "The token lacks the scope vendor.", ""),
    "404": ("not_found", "No such order.", ""),
    "409": ("conflict", 'The order is COMPLETED. Send "correction" with the reason if that is meant.', ""),
    "410": ("erased", "The candidate was erased.", ""),
    "413": ("too_large", "The body may have at most 65536 bytes.", ""),
    "415": ("unsupported_media_type", "Send application/json.", ""),
    "414": ("uri_too_long", "URI Too Long", ""),
    "422": ("invalid", "87.5: SmartRecruiters takes integers; send raw 875 with max 1000.", "score.raw"),
    "431": ("request_header_fields_too_large", "Request Header Fields Too Large", ""),
    "503": ("busy", "The database is busy. Nothing of this request was stored; try again in a few seconds.", ""),
}


def build_example_problem(status: str) -> dict[str, Any]:
    code, message, field = EXAMPLE_ERRORS[status]
    error = {"code": code, "message": message, **({"field": field} if field else {})}
    return build_problem(int(status), f"{field}: {message}" if field else message, [error])


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "integrations.api.authentication.BearerAuthentication"
    name = "engine"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        flow = {"tokenUrl": "/oauth/token", "scopes": {"vendor": "The engine's API"}}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        return {self.name: ["vendor"]}


def select_engine_routes(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Return the engine's routes, without a trailing slash (preprocessing hook)."""
    return [
        (path.rstrip("/"), regex, method, view)
        for path, regex, method, view in endpoints
        if path.startswith(ENGINE_API_PREFIX) and path.rstrip("/") not in SCHEMA_ROUTES
    ]


def add_problem_responses(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the possible errors to each operation, and the Idempotency-Key to POSTs (postprocessing hook)."""
    result["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status, description in _collect_errors(path, method).items():
                body = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": build_example_problem(status)}
                response = {"description": description, "content": {PROBLEM_MEDIA_TYPE: body}}
                operation["responses"].setdefault(status, response)
            if method == "post":
                operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY_PARAMETER)
    return result


IDEMPOTENCY_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key within a day returns the first response.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def _collect_errors(path: str, method: str) -> dict[str, str]:
    errors = dict(COMMON_ERRORS)
    if "{" in path:
        errors |= ID_ERRORS
    if re.search(r"/orders/\{", path):
        errors |= ORDER_ERRORS
    if method in ("post", "put", "patch"):
        errors |= BODY_ERRORS
    elif "{" not in path:
        errors["422"] = BODY_ERRORS["422"]
    return errors
