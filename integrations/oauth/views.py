"""Token endpoint: django-oauth-toolkit's view behind checks as strict as RFC 6749, section 3.2."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from oauth2_provider.views import TokenView

from integrations import audit, rate_limits
from integrations.api import refusals
from integrations.api.errors import INCOMPLETE_BODY
from integrations.http.ip_addresses import get_client_ip, get_client_network
from integrations.models import Client, Endpoint
from integrations.oauth import throttling
from integrations.oauth.credentials import parse_client_credentials

MAX_BODY_BYTES = 8 * 1024
FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"
# Some clients always send a charset. Form encoding is ASCII, and its escaped bytes are read as UTF-8 in any case.
ACCEPTED_CHARSETS = ("utf-8", "utf8", "us-ascii", "iso-8859-1")
toolkit_token_view = TokenView.as_view()


def error_response(error: str, description: str, status: int = 400) -> HttpResponse:
    """Return an error response (RFC 6749, section 5.2). The description must not repeat the request."""
    return JsonResponse({"error": error, "error_description": description}, status=status)


def invalid_client_response() -> HttpResponse:
    response = error_response("invalid_client", "Unknown client, or the wrong secret.", 401)
    response["WWW-Authenticate"] = 'Basic realm="token"'
    return response


def rate_limited_response(seconds: int) -> HttpResponse:
    response = error_response("temporarily_unavailable", "Too many failed attempts from this IP address: wait.", 429)
    response["Retry-After"] = str(seconds)
    return response


@sensitive_variables()
def _record_failure(request: HttpRequest) -> None:
    # Only after _validate_request, which has read the body and found it well-formed.
    client_id, _ = parse_client_credentials(
        request.headers.get("Authorization", ""), parse_qsl(request.body.decode("ascii"))
    )
    ip = get_client_ip(request)
    throttling.FAILED_REQUESTS.count(client_id, get_client_network(request))
    if rate_limits.is_first("token.refused", get_client_network(request)):
        audit.record("token.refused", client_id[:200], actor=audit.Actor(ip=ip))


@sensitive_variables()
def _record_refusal(request: HttpRequest, response: HttpResponse) -> None:
    """Record the refusal with its description, which names the parameter. The toolkit's own has a code only."""
    problem = json.loads(response.content)
    errors = ": ".join(filter(None, map(problem.get, ("error", "error_description"))))
    refusal = refusals.Refusal(Endpoint.TOKEN, response.status_code, _find_company_id(request), errors=errors)
    # A wrong secret costs the same for a known and for an unknown client, so it is not throttled by client.
    refusals.record_refusal(refusal, is_authenticated=response.status_code == 401)


@sensitive_variables()
def _find_company_id(request: HttpRequest) -> str:
    """Return the company of the client that is named; "" if it cannot be read, is unknown or an engine."""
    form: list[tuple[str, str]] = []
    if int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_BODY_BYTES:
        with suppress(ValueError, UnreadablePostError, RawPostDataException):
            form = parse_qsl(request.body.decode("ascii"), max_num_fields=20)
    client_id, _ = parse_client_credentials(request.headers.get("Authorization", ""), form)
    if not client_id.isprintable():
        return ""
    clients = Client.objects.filter(client_id=client_id)
    return refusals.find_company_id(clients.values_list("connection__company_id", flat=True))


@sensitive_variables()
def _validate_request(request: HttpRequest) -> HttpResponse | None:
    """Return the error response to a malformed or throttled request, if it is one."""
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type != FORM_MEDIA_TYPE or charset not in ACCEPTED_CHARSETS:
        return error_response("invalid_request", f"Send the parameters as {FORM_MEDIA_TYPE}, in UTF-8.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        return error_response("invalid_request", f"The body may have at most {MAX_BODY_BYTES} bytes.", 413)
    if request.META.get("QUERY_STRING"):
        return error_response("invalid_request", "Send the parameters in the body, never in the URL.")
    try:
        fields: list[tuple[str, str]] = parse_qsl(
            request.body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=20,
        )
    except ValueError:
        return error_response("invalid_request", "The body is not form-encoded UTF-8.")
    except UnreadablePostError:
        return error_response("invalid_request", INCOMPLETE_BODY)
    form = dict(fields)
    if len(form) != len(fields):
        return error_response("invalid_request", "Send each parameter once.")
    if not all(text.isprintable() for pair in fields for text in pair):
        return error_response("invalid_request", "A parameter contains a control character.")
    has_header = request.headers.get("Authorization", "").lower().startswith("basic ")
    if has_header and "client_secret" in form:
        return error_response("invalid_request", "Authenticate by the header or in the body, not both.")
    if "grant_type" not in form:
        return error_response("invalid_request", "grant_type is missing: send client_credentials.")
    if form["grant_type"] != "client_credentials":
        return error_response("unsupported_grant_type", "Send grant_type=client_credentials.")
    client_id, secret = parse_client_credentials(request.headers.get("Authorization", ""), fields)
    if has_header and form.get("client_id", client_id) != client_id:
        return error_response("invalid_request", "client_id differs from the header's: omit it.")
    if seconds := throttling.FAILED_REQUESTS.get_retry_after(client_id, get_client_network(request)):
        return rate_limited_response(seconds)
    if not client_id or not secret or not (client_id + secret).isprintable() or len(client_id + secret) > 500:
        return invalid_client_response()
    return None


@csrf_exempt
@sensitive_post_parameters()
def token_endpoint(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Issue a token for client credentials, sent in the form body or by Basic (RFC 6749). Never cached."""
    if request.method != "POST":
        response = error_response("invalid_request", "Use POST.", 405)
        response["Allow"] = "POST"
    else:
        response = _validate_request(request) or toolkit_token_view(request, *args, **kwargs)
    if response.status_code == 401:
        _record_failure(request)
        response = invalid_client_response()  # the same bytes for unknown clients and for wrong secrets
    if 400 <= response.status_code < 500:
        _record_refusal(request, response)
    response["Cache-Control"], response["Pragma"] = "no-store", "no-cache"
    return response
