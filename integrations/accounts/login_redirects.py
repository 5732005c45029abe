"""What a stranger asked for, or sent after the session had ended: where signing in leads, and what is said there."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_POST

ENDED = "ended"
"""In the sign-in page's address: what was sent came to nothing."""
SIGN_IN = ("account_login", "admin:login")
LONGEST_WAY = 2000
"""Of a redirect's address: servers before us refuse an answer whose head is over 4 KB (nginx, by 502)."""


def only_post(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Django's require_POST, and `shows_a_page` knows it."""

    @wraps(view)
    def posted(*args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = guarded(*args, **kwargs)
        return answer

    guarded = require_POST(view)
    posted.is_only_post = True  # type: ignore[attr-defined]
    return posted


def shows_a_page(path: str) -> bool:
    """Is there something at this path of ours that a browser may open?"""
    try:
        return _is_page(resolve(path).func)
    except Resolver404:
        return False


def takes_forms_only(url: str) -> bool:
    """Opening it would be answered by 405. What is nowhere is none."""
    try:
        return not _is_page(resolve(urlsplit(url).path).func)
    except (Resolver404, ValueError):
        return False


def _is_page(view: Any) -> bool:
    return hasattr(view.view_class, "get") if hasattr(view, "view_class") else not hasattr(view, "is_only_post")


def section_of(path: str) -> str:
    """The nearest page above an address, or the first page."""
    while path := path.rstrip("/").rpartition("/")[0]:
        if shows_a_page(path):
            return path
    return reverse("home")


def _came_from(request: HttpRequest) -> str:
    """The page that the form was on. Browsers name it to ourselves; what is anybody else's counts for nothing."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_ours = page.netloc == request.get_host() and shows_a_page(page.path)
    return urlunsplit(("", "", page.path, page.query, "")) if is_ours else ""


def led_back(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A stranger's POST that leads to sign-in and then to itself leads to where the form was instead, and says so."""
    page = urlsplit(response.headers.get("Location", ""))
    if page.path != reverse("account_login") or parse_qs(page.query).get("next") != [request.get_full_path()]:
        return response
    own = request.path if shows_a_page(request.path) else section_of(request.path)
    response["Location"] = f"{page.path}?{urlencode({'next': _came_from(request) or own, ENDED: 1})}"
    return response


def shortened(response: HttpResponse) -> HttpResponse:
    """Where the way to sign-in would be too long, it leads back to the page without its query, or home."""
    page = urlsplit(response.headers.get("Location", ""))
    if len(response.headers.get("Location", "")) <= LONGEST_WAY or page.path not in map(reverse, SIGN_IN):
        return response
    query = parse_qs(page.query)
    plain = urlencode({"next": urlsplit(query.get("next", [""])[0]).path})
    kept = [plain] * (len(plain) <= LONGEST_WAY) + [urlencode({ENDED: 1})] * (ENDED in query)
    response["Location"] = page._replace(query="&".join(kept)).geturl()
    return response
