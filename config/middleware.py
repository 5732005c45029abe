"""Middleware: trusted proxies, hosts, HTTPS, whole bodies, locale, security headers, NUL rejection, errors, MFA."""

import ipaddress
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import structlog
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django_structlog.middlewares import RequestMiddleware

from config.errors import is_token_path, method_not_allowed, missing_encryption_key, refuse_request
from config.server.request_body import BODY_ERROR
from integrations import metrics
from integrations.accounts import login_redirects
from integrations.api.errors import INCOMPLETE_BODY, RETRY_AFTER_SECONDS, STATUS_DETAILS, is_api_path
from integrations.encryption import DecryptionError

HEALTH_PATHS = ("/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


class BaseMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


def _is_trusted_proxy(ip: str) -> bool:
    try:
        asking = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(asking in ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES)


def _parse_forwarded_ip(forwarded: str) -> str:
    """Parse an IP address of X-Forwarded-For, which some proxies write with a port. Raises ValueError."""
    forwarded = forwarded.partition("%")[0]
    try:
        return str(ipaddress.ip_address(forwarded))
    except ValueError:
        host, _, port = forwarded.rpartition(":")
        if not port.isdecimal():
            raise
        return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))


class TrustedProxyMiddleware(BaseMiddleware):
    """Apply X-Forwarded-* headers of proxies in TRUSTED_PROXIES, and remove those of all others.

    REMOTE_ADDR becomes the last IP address that is not a trusted proxy. An entry that is not an IP address ends the
    list: then REMOTE_ADDR is the last proxy before it.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        if not _is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
            return self.get_response(request)
        with suppress(ValueError):
            for part in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
                request.META["REMOTE_ADDR"] = ip = _parse_forwarded_ip(part)
                if not _is_trusted_proxy(ip):
                    break
        return self.get_response(request)


class RequestLogMiddleware(RequestMiddleware):
    """Log requests, with the IP address that TrustedProxyMiddleware determined, and measure those of programs.

    The library would guess the address from headers that any client can send, such as X-Real-IP.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started_at = time.perf_counter()
        response = cast(HttpResponse, super().__call__(request))
        if request.resolver_match and (is_api_path(request.path) or is_token_path(request.path)):
            seconds = metrics.REQUEST_SECONDS.labels(
                method=request.method, view=request.resolver_match.view_name, status=response.status_code
            )
            seconds.observe(time.perf_counter() - started_at)
        return response

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))


class RequireHttpsMiddleware(BaseMiddleware):
    """Reject requests that a trusted proxy received over plain HTTP (tests/reliability/README.md, T34).

    Only pages are redirected to HTTPS: a redirect would hide that a client sends its token or password in clear.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_clear = request.META.get("HTTP_X_FORWARDED_PROTO", "https").strip().lower() == "http"
        if not settings.IS_HTTPS or not is_clear or request.path in HEALTH_PATHS:
            return self.get_response(request)
        is_page = not is_api_path(request.path) and not is_token_path(request.path)
        if is_page and request.method in ("GET", "HEAD"):
            return redirect(settings.PUBLIC_URL + request.get_full_path())
        return refuse_request(request, 403, HTTPS_REQUIRED)


HTTPS_REQUIRED = "This request came over plain HTTP. Use HTTPS, and replace any credentials it contained."


class HostMiddleware(BaseMiddleware):
    """Answer the health routes whatever the Host header, and refuse an unknown host in the form of each API.

    Load balancers and Kubernetes probe by IP address and cannot set Host. These routes do not repeat the request.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in HEALTH_PATHS:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].lstrip(".")
        elif is_api_path(request.path) or is_token_path(request.path):
            try:
                request.get_host()
            except DisallowedHost:
                log.warning("unknown host")
                return refuse_request(request, 400, UNKNOWN_HOST)
        return self.get_response(request)


UNKNOWN_HOST = "The Host header names no host of this portal: use the host of its public URL."


class IncompleteBodyMiddleware(BaseMiddleware):
    """Refuse a request whose body was not read, or not to its end (config/server/), before anything happens."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        status = request.META.get(BODY_ERROR)
        if not status:
            return self.get_response(request)
        detail = BODY_ERROR_DETAILS.get(status) or STATUS_DETAILS[status]
        log.warning("body refused", reason=detail)
        metrics.REFUSED_REQUESTS.labels(status=status).inc()
        response = refuse_request(request, status, detail)
        if status == 401:  # RFC 6750, section 3.1: without a token, without an error code
            has_token = "HTTP_AUTHORIZATION" in request.META
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"' if has_token else 'Bearer realm="portal"'
        elif status == 503:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


BODY_ERROR_DETAILS = {
    400: INCOMPLETE_BODY,
    401: "Send a bearer token in the Authorization header that is known and has not expired.",
}


class CandidateLocaleMiddleware(LocaleMiddleware):
    """Show candidates' pages in the language of their browser, and all others in LANGUAGE_CODE."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/take/"):
            super().process_request(request)
        else:
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE


class SecurityHeadersMiddleware(BaseMiddleware):
    """Set the headers that Django does not: no caching of dynamic pages, no access to devices."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/") and not response.has_header(
            "Cache-Control"
        ):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        return response


class RejectNulMiddleware(BaseMiddleware):
    """Reject NUL characters in paths, queries and forms: PostgreSQL raises on them.

    Must come after CsrfViewMiddleware, which reads the form. API paths are left to their strict parsers.
    """

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> None:
        if is_api_path(request.path) or getattr(view, "csrf_exempt", False):
            return
        if "\0" in request.path:
            raise Http404
        try:
            form = request.POST if request.method == "POST" else QueryDict()
        except UnreadablePostError:
            raise BadRequest("the body is incomplete") from None
        if _has_nul(request.GET) or _has_nul(form):
            raise BadRequest("a parameter contains NUL")


def _has_nul(form: QueryDict) -> bool:
    return any("\0" in text for name, values in form.lists() for text in (name, *values))


class DecryptionErrorMiddleware(BaseMiddleware):
    """Show an error page if a secret cannot be decrypted; staff see the reason. API paths get a 500."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DecryptionError) or is_api_path(request.path):
            return None
        log.error("an encryption key is missing", reason=str(error))
        is_staff = request.user.is_authenticated and request.user.is_staff
        return missing_encryption_key(request, str(error) if is_staff else "")


class PostOnlyPageMiddleware(BaseMiddleware):
    """Show an error page to a browser that opens a URL which only accepts forms."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_browser = "text/html" in request.headers.get("Accept", "")
        if response.status_code != 405 or response.content or is_api_path(request.path) or not is_browser:
            return response
        page = method_not_allowed(request, login_redirects.find_parent_page(request.path))
        page["Allow"] = response["Allow"]
        return page


def _is_sso_session(request: HttpRequest) -> bool:
    """Return True if the user signed in with the vendor's single sign-on."""
    return any(each["method"] == "socialaccount" for each in get_authentication_records(request, request.user))


class StaffMfaMiddleware(BaseMiddleware):
    """With STAFF_MFA=required, redirect staff without a second factor to the page where they set one up.

    With OIDC_SECOND_FACTOR, the identity provider is trusted to ask for it.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.STAFF_MFA == "required"
            and request.path.startswith("/admin/")
            and request.user.is_authenticated
            and request.user.is_staff
            and not is_mfa_enabled(request.user)
            and not (settings.OIDC_SECOND_FACTOR and _is_sso_session(request))
        ):
            return redirect("mfa_index")
        return self.get_response(request)
