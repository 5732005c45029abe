import ipaddress
from collections.abc import Callable
from contextlib import suppress

import structlog
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, UnreadablePostError
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from config.errors import method_not_allowed, missing_encryption_key
from integrations.accounts import login_redirects
from integrations.api.errors import is_api_path, problem_response
from integrations.encryption import DecryptionError

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


def _is_trusted_proxy(ip: str) -> bool:
    try:
        asking = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(asking in ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES)


def _parse_forwarded_ip(forwarded: str) -> str:
    """An address of X-Forwarded-For, which some proxies write with its port. Raises ValueError for what is none."""
    forwarded = forwarded.partition("%")[0]
    try:
        return str(ipaddress.ip_address(forwarded))
    except ValueError:
        host, _, port = forwarded.rpartition(":")
        if not port.isdecimal():
            raise
        return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))


class TrustedProxyMiddleware:
    """Forwarded headers count if a proxy in TRUSTED_PROXIES sent them; from anybody else they are forged.

    What is no address ends the list: the last proxy that is known stands for whoever is behind it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.META.pop("HTTP_X_FORWARDED_FOR", "")
        if not _is_trusted_proxy(request.META.get("REMOTE_ADDR", "")):
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
            return self.get_response(request)
        with suppress(ValueError):
            for part in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
                request.META["REMOTE_ADDR"] = address = _parse_forwarded_ip(part)
                if not _is_trusted_proxy(address):
                    break
        return self.get_response(request)


class RequireHttpsMiddleware:
    """What a trusted proxy says it took over plain http is refused (RELIABILITY.md, T34).

    Not redirected: whoever sends a token or a password in clear would not notice. A page that is only read leads to
    https. Without a trusted proxy's word nobody knows how a request came.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_clear = request.META.get("HTTP_X_FORWARDED_PROTO", "https").strip().lower() == "http"
        if not settings.IS_HTTPS or not is_clear or request.path in ("/healthz", "/readyz", "/metrics"):
            return self.get_response(request)
        if (
            request.method in ("GET", "HEAD")
            and not is_api_path(request.path)
            and request.path.rstrip("/") != "/oauth/token"
        ):
            return redirect(settings.PUBLIC_URL + request.get_full_path())
        if is_api_path(request.path):
            return problem_response(403, HTTPS_REQUIRED)
        return HttpResponse(HTTPS_REQUIRED, status=403, content_type="text/plain")


HTTPS_REQUIRED = "This came over plain http: use https, and change what was sent in clear."


class CandidateLocaleMiddleware(LocaleMiddleware):
    """The candidate's pages speak his language. The others are written in one, and stay in it as a whole."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/take/"):
            super().process_request(request)
        else:
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE


class SecurityHeadersMiddleware:
    """What Django does not set: nothing personal stays in a cache, and no page may use a device."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/") and not response.has_header(
            "Cache-Control"
        ):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        return response


class RejectNulMiddleware:
    """People's pages take no NUL: no keyboard writes one, and a query with one is a fault on PostgreSQL.

    Stands behind the check of forms' tokens, which has read the form. Programs are answered by their own parsers.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object) -> None:
        if is_api_path(request.path) or getattr(view, "csrf_exempt", False):
            return
        if "\0" in request.path:
            raise Http404
        try:
            form = request.POST if request.method == "POST" else QueryDict()
        except UnreadablePostError:
            raise BadRequest("the body broke off") from None
        if _has_nul(request.GET) or _has_nul(form):
            raise BadRequest("a parameter holds NUL")


def _has_nul(form: QueryDict) -> bool:
    return any("\0" in text for name, values in form.lists() for text in (name, *values))


class DecryptionErrorMiddleware:
    """A page that needs a secret which no key opens says so, to staff with what to do. Programs get their 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DecryptionError) or is_api_path(request.path):
            return None
        log.error("a key is missing", reason=str(error))
        is_staff = request.user.is_authenticated and request.user.is_staff
        return missing_encryption_key(request, str(error) if is_staff else "")


class PostOnlyPageMiddleware:
    """A browser that opens an address which takes forms alone, from its history or by hand, gets a page of ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_browser = "text/html" in request.headers.get("Accept", "")
        if response.status_code != 405 or response.content or is_api_path(request.path) or not is_browser:
            return response
        page = method_not_allowed(request, login_redirects.find_parent_page(request.path))
        page["Allow"] = response["Allow"]
        return page


def _is_sso_session(request: HttpRequest) -> bool:
    """By the vendor's identity provider, which asks for a second factor itself."""
    return any(each["method"] == "socialaccount" for each in get_authentication_records(request, request.user))


class StaffMfaMiddleware:
    """With STAFF_MFA=required, staff without a second factor get no further than setting one up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

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
