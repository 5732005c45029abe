"""The error pages of the people's part; the API routes get problem documents instead (integrations.api.errors)."""

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from config.brand import brand_context
from integrations.connections.popup import CONSENT_PATH


def get_request_id() -> str:
    """What to quote to those who read the logs."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _render_page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    return render(request, template, {"request_id": get_request_id()}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_page(request, "400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_page(request, "403.html", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A stranger may be a candidate with half a link: in the language of his browser."""
    if request.path.startswith(f"{CONSENT_PATH}/"):
        return _render_page(request, "integrations/consent/no_such.html", 404)
    if getattr(getattr(request, "user", None), "is_authenticated", False):
        return _render_page(request, "404.html", 404)
    with translation.override(translation.get_language_from_request(request)):
        page = _render_page(request, "404.html", 404)
        page["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return page


def method_not_allowed(request: HttpRequest, section: str) -> HttpResponse:
    """Something is sent to this address by a form; it shows nothing. `section` is the nearest page."""
    return render(request, "405.html", {"request_id": get_request_id(), "section": section}, status=405)


def removed_page(request: HttpRequest, **_places: object) -> HttpResponse:
    """In the place of a library's page that the portal does not have."""
    return _render_page(request, "404.html", 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Called by allauth when a limit is reached."""
    response = _render_page(request, "429.html", 429)
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Without the request's context: what failed may be the database that it reads."""
    return HttpResponse(
        render_to_string("500.html", {**brand_context(request), "request_id": get_request_id()}), status=500
    )


def missing_encryption_key(request: HttpRequest, reason: str) -> HttpResponse:
    """`reason` is for those who can mend it."""
    return render(request, "503_keys.html", {"request_id": get_request_id(), "reason": reason}, status=503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of an old page, or of another site. Who has signed in meanwhile, in another tab, goes on from here."""
    if request.path == reverse("account_login") and request.user.is_authenticated:
        return redirect(get_next_redirect_url(request) or get_adapter(request).get_login_redirect_url(request))
    return _render_page(request, "403_csrf.html", 403)
