"""Framing and third-party cookies of the consent page in POPUP mode: a pop-up window, or a frame in SmartRecruiters.

All other pages forbid framing (clickjacking). In a cross-site frame browsers send no SameSite=Lax cookie. So the pages
of this flow set their cookies (session, CSRF, device) a second time, as `SameSite=None; Secure; Partitioned`. These are
read in frames only, so that CSRF protection stays as it is elsewhere (tests/reliability/README.md, C30 to C32). All of
this holds only while the partner configuration says POPUP.
"""

from collections.abc import Callable
from http.cookies import Morsel
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from integrations.connections.consents import has_open_popup
from integrations.models import PartnerConfiguration

CONSENT_PATH = "/smartrecruiters/integration"
SIGN_IN_PATHS = (
    *("/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/webauthn/login/"),
    *("/accounts/oidc/vendor/login/", "/accounts/oidc/vendor/login/callback/"),
)


class PartitionedMorsel(Morsel[str]):
    """Cookie with the attribute `Partitioned` (CHIPS), which http.cookies supports from Python 3.14."""

    _reserved: ClassVar[dict[str, str]] = {**Morsel._reserved, "partitioned": "Partitioned"}  # type: ignore[attr-defined]
    _flags: ClassVar[set[str]] = {*Morsel._flags, "partitioned"}  # type: ignore[attr-defined]


def _cookie_names() -> tuple[str, ...]:
    return settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DEVICE_COOKIE_NAME


def framed_cookie_name(name: str) -> str:
    prefix = "__Host-"
    return f"{prefix}frame-{name.removeprefix(prefix)}" if name.startswith(prefix) else f"frame-{name}"


def mark_popup(request: HttpRequest) -> None:
    """Allow framing of this page. Called by views for a consent in POPUP mode.

    No relaxation applies unless the partner configuration has SmartRecruiters open pop-ups: a visit without `redirect`
    can come from anywhere.
    """
    request.is_popup = PartnerConfiguration.load().opens_popup  # type: ignore[attr-defined]


def is_framed(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Dest") == "iframe"


def _is_in_flow(request: HttpRequest) -> bool:
    return request.path.startswith(CONSENT_PATH) or request.path in SIGN_IN_PATHS


def _is_popup(request: HttpRequest) -> bool:
    if getattr(request, "is_popup", False):
        return True
    return request.path in SIGN_IN_PATHS and hasattr(request, "session") and has_open_popup(request)


def _adopt_frame_cookies(request: HttpRequest) -> None:
    """In a frame, use the partitioned cookies in place of those that the browser does not send."""
    if request.headers.get("Sec-Fetch-Dest", "iframe") != "iframe":
        return
    for name in _cookie_names():
        if name not in request.COOKIES and framed_cookie_name(name) in request.COOKIES:
            request.COOKIES[name] = request.COOKIES[framed_cookie_name(name)]


def _duplicate_cookies(response: HttpResponse) -> None:
    for name in _cookie_names():
        if name in response.cookies:
            response.cookies[framed_cookie_name(name)] = _partition_cookie(response.cookies[name])


def _partition_cookie(cookie: "Morsel[str]") -> PartitionedMorsel:
    twin = PartitionedMorsel()
    twin.set(framed_cookie_name(cookie.key), cookie.value, cookie.coded_value)
    attributes: dict[str, Any] = {**cookie, "samesite": "None", "secure": True, "httponly": True, "partitioned": True}
    twin.update(attributes)
    return twin


def _allow_framing(response: HttpResponse) -> None:
    response._csp_replace = {"frame-ancestors": settings.SMARTRECRUITERS_TRUSTED_ORIGINS}  # type: ignore[attr-defined]
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    if response.has_header("X-Frame-Options"):
        del response["X-Frame-Options"]


class PopupMiddleware:
    """Middleware for POPUP mode. Must come before SessionMiddleware and CsrfViewMiddleware to see their cookies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_in_flow(request):
            return self.get_response(request)
        _adopt_frame_cookies(request)
        response = self.get_response(request)
        if _is_popup(request):
            _duplicate_cookies(response)
            _allow_framing(response)
        patch_vary_headers(response, ["Sec-Fetch-Dest"])
        return response
