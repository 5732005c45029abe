"""What every page has: its frame, its headers, the company it is about."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect

from integrations.simulator import environment
from integrations.simulator.runtime import state

_ASSETS_DIR = Path(__file__).parents[1] / "assets"
_CONTENT_TYPES = {"style.css": "text/css; charset=utf-8", "popup.js": "text/javascript; charset=utf-8"}
View = Callable[..., HttpResponseBase]


def page_view(*methods: str) -> Callable[[View], View]:
    """A page a browser asks for by these methods; unknown companies are a page that says so."""

    def decorate_view(view: View) -> View:
        @wraps(view)
        def wrapped_view(request: HttpRequest, **ids: str) -> HttpResponseBase:
            if request.method not in methods:
                return render_message(request, 405, "That is not how this page is used", "Go back and use the buttons.")
            if "company" in ids and ids["company"] not in state.companies:
                return render_message(
                    request, 404, "There is no such company", "The invented ones are on the first page."
                )
            return _add_security_headers(view(request, **ids))

        return csrf_protect(wrapped_view)

    return decorate_view


def _add_security_headers(answer: HttpResponseBase) -> HttpResponseBase:
    frames = ""
    if state.configuration:
        consent = urlsplit(state.configuration["consentUrl"])
        frames = f"; frame-src {consent.scheme}://{consent.netloc}"
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'{frames}",
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def render_page(request: HttpRequest, template: str, /, status: int = 200, **context: Any) -> HttpResponse:
    company = context.get("company")
    frame = {
        "portal_url": environment.PORTAL_URL,
        "configuration": state.configuration,
        "breach_count": len(state.breaches),
        "fault_count": len(state.faults),
        "company": state.companies[company] if isinstance(company, str) else company,
        "current_path": request.path,
    }
    return render(request, template, {**context, **frame}, status=status)


def render_message(request: HttpRequest, status: int, title: str, text: str, **context: Any) -> HttpResponse:
    """A page that says what happened and what now."""
    return render_page(request, "message.html", status=status, title=title, text=text, **context)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For people a page; for programs the status is enough."""
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(status=404)
    return render_message(
        request, 404, "There is nothing here", "The address is wrong. All that there is begins on the first page."
    )


def check_health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("up", content_type="text/plain")


def serve_asset(request: HttpRequest, name: str) -> HttpResponseBase:
    if name not in _CONTENT_TYPES:
        return HttpResponse(status=404)
    return FileResponse((_ASSETS_DIR / name).open("rb"), content_type=_CONTENT_TYPES[name])
