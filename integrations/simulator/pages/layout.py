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
from integrations.simulator.runtime import world

_ASSETS = Path(__file__).parents[1] / "assets"
_TYPES = {"style.css": "text/css; charset=utf-8", "popup.js": "text/javascript; charset=utf-8"}
View = Callable[..., HttpResponseBase]


def page(*methods: str) -> Callable[[View], View]:
    """A page a browser asks for by these methods; unknown companies are a page that says so."""

    def decorate(view: View) -> View:
        @wraps(view)
        def enter(request: HttpRequest, **ids: str) -> HttpResponseBase:
            if request.method not in methods:
                return message(request, 405, "That is not how this page is used", "Go back and use the buttons.")
            if "company" in ids and ids["company"] not in world.companies:
                return message(request, 404, "There is no such company", "The invented ones are on the first page.")
            return _guarded(view(request, **ids))

        return csrf_protect(enter)

    return decorate


def _guarded(answer: HttpResponseBase) -> HttpResponseBase:
    frames = ""
    if world.configuration:
        consent = urlsplit(world.configuration["consentUrl"])
        frames = f"; frame-src {consent.scheme}://{consent.netloc}"
    answer.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors 'none'{frames}",
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def show(request: HttpRequest, template: str, /, status: int = 200, **context: Any) -> HttpResponse:
    company = context.get("company")
    frame = {
        "portal_url": environment.PORTAL_URL,
        "configuration": world.configuration,
        "breach_count": len(world.breaches),
        "fault_count": len(world.faults),
        "company": world.companies[company] if isinstance(company, str) else company,
        "place": request.path,
    }
    return render(request, template, {**context, **frame}, status=status)


def message(request: HttpRequest, status: int, title: str, text: str, **context: Any) -> HttpResponse:
    """A page that says what happened and what now."""
    return show(request, "message.html", status=status, title=title, text=text, **context)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For people a page; for programs the status is enough."""
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse(status=404)
    return message(
        request, 404, "There is nothing here", "The address is wrong. All that there is begins on the first page."
    )


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("up", content_type="text/plain")


def asset(request: HttpRequest, name: str) -> HttpResponseBase:
    if name not in _TYPES:
        return HttpResponse(status=404)
    return FileResponse((_ASSETS / name).open("rb"), content_type=_TYPES[name])
