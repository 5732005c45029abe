"""Decorator and rendering shared by all pages, with their security headers (CSP)."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect

from integrations.simulator import environment
from integrations.simulator.store.runtime import state

_ASSETS_DIR = Path(__file__).parents[1] / "assets"
_CONTENT_TYPES = {"style.css": "text/css; charset=utf-8", "popup.js": "text/javascript; charset=utf-8"}
View = Callable[..., HttpResponseBase]


def page_view(*methods: str) -> Callable[[View], View]:
    """Restrict a page to these methods and to known companies, and add the security headers."""

    def decorate_view(view: View) -> View:
        @wraps(view)
        def wrapped_view(request: HttpRequest, **ids: str) -> HttpResponseBase:
            if request.method not in methods:
                return render_message(request, 405, "Method not allowed", "Go back and use the buttons on the page.")
            if "company" in ids and ids["company"] not in state.companies:
                return render_message(request, 404, "Company not found", "The start page lists the companies.")
            return _add_security_headers(view(request, **ids))

        return csrf_protect(wrapped_view)

    return decorate_view


def _add_security_headers(response: HttpResponseBase) -> HttpResponseBase:
    frame_src = ""
    if state.configuration:
        consent = urlsplit(state.configuration["consentUrl"])
        frame_src = f"; frame-src {consent.scheme}://{consent.netloc}"
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'{frame_src}",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def render_page(request: HttpRequest, template: str, /, status: int = 200, **context: Any) -> HttpResponse:
    company = context.get("company")
    shared = {
        "portal_url": environment.PORTAL_URL,
        "configuration": state.configuration,
        "breach_count": len(state.breaches),
        "fault_count": len(state.faults),
        "company": state.companies[company] if isinstance(company, str) else company,
        "current_path": request.path,
    }
    return render(request, template, {**context, **shared}, status=status)


def render_message(request: HttpRequest, status: int, title: str, text: str, **context: Any) -> HttpResponse:
    return render_page(request, "message.html", status=status, title=title, text=text, **context)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Render a page for browsers; other clients receive an empty 404."""
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(status=404)
    return render_message(request, 404, "Page not found", "Check the URL, or begin on the start page.")


def check_health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("up", content_type="text/plain")


def serve_asset(request: HttpRequest, name: str) -> HttpResponseBase:
    if name not in _CONTENT_TYPES:
        return HttpResponse(status=404)
    return FileResponse((_ASSETS_DIR / name).open("rb"), content_type=_CONTENT_TYPES[name])
