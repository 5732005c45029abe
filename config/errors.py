"""Error pages. API paths get problem documents instead (integrations.api.errors)."""

import math
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from config.brand import brand_context
from integrations.api.errors import is_api_path, problem_response
from integrations.connections import consents, popup
from integrations.connections.popup import CONSENT_PATH
from integrations.models import DisplayMode
from integrations.oauth.views import error_response

PLAIN_TEXT = "text/plain; charset=utf-8"


def get_request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _render_page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    return render(request, template, {"request_id": get_request_id(), **_build_frame(request)}, status=status)


def _build_frame(request: HttpRequest) -> dict[str, Any]:
    """Return the context that keeps admin's menu on the error pages of staff."""
    is_in_admin = request.path.startswith(reverse("admin:index")) and hasattr(request, "user")
    if not is_in_admin or not admin.site.has_permission(request):
        return {}
    return {"frame": "admin/base_site.html", **admin.site.each_context(request)}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_page(request, "400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _render_page(request, "403.html", 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Show the 404 page. Anonymous visitors may be candidates with a broken link, so theirs is in their language."""
    if is_api_path(request.path):
        return problem_response(404)
    if request.path.startswith(f"{CONSENT_PATH}/"):
        return _render_page(request, "integrations/consent/no_such.html", 404)
    if getattr(getattr(request, "user", None), "is_authenticated", False):
        return _render_page(request, "404.html", 404)
    with translation.override(translation.get_language_from_request(request)):
        page = _render_page(request, "404.html", 404)
        page["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    return page


def is_token_path(path: str) -> bool:
    return path.rstrip("/") == "/oauth/token"


def refuse_request(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """Refuse a request before a view gets it, in the form that its path promises."""
    if is_api_path(request.path):
        return problem_response(status, detail)
    if is_token_path(request.path):
        return error_response("invalid_request", detail, status)
    return HttpResponse(detail, status=status, content_type=PLAIN_TEXT)


def method_not_allowed(request: HttpRequest, section: str) -> HttpResponse:
    """Show the 405 page for a URL that only accepts forms. `section` is the URL of the nearest page."""
    context = {"request_id": get_request_id(), "section": section, **_build_frame(request)}
    return render(request, "405.html", context, status=405)


def removed_page(request: HttpRequest, **_places: object) -> HttpResponse:
    """Replace a page of a library that the portal does not offer."""
    return _render_page(request, "404.html", 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Show the 429 page. Called by allauth's rate limiter, and by the delay after failed sign-ins, which is longer."""
    seconds = getattr(request, "retry_after", 60)
    context = {"request_id": get_request_id(), "minutes": math.ceil(seconds / 60)}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Show the 500 page, without context processors that query the database, which may be down."""
    return HttpResponse(
        render_to_string("500.html", {**brand_context(request), "request_id": get_request_id()}), status=500
    )


def missing_encryption_key(request: HttpRequest, reason: str) -> HttpResponse:
    """Show the 503 page for a missing encryption key. `reason` is for staff only."""
    return render(request, "503_keys.html", {"request_id": get_request_id(), "reason": reason}, status=503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show the 403 page for a form with an old token. A user who signed in meanwhile, in another tab, is redirected."""
    next_url = get_next_redirect_url(request)
    if request.headers.get("Origin") == "null":
        return _sandboxed_page(request, next_url or "")
    if request.path == reverse("account_login") and request.user.is_authenticated:
        return redirect(next_url or get_adapter(request).get_login_redirect_url(request))
    return _render_page(request, "403_csrf.html", 403)


def _sandboxed_page(request: HttpRequest, next_url: str) -> HttpResponse:
    """Show how to leave a sandboxed frame, or a window that it opened: both hide the origin of their forms."""
    consent = consents.find_by_page(request.path) or consents.find_by_page(next_url.partition("?")[0])
    if consent is not None and consent.mode == DisplayMode.POPUP:
        popup.mark_popup(request)
    window_url = consents.build_entry_url(consent) if consent else f"{settings.PUBLIC_URL}{request.path}"
    return render(request, "403_sandbox.html", {"window_url": window_url}, status=403)
