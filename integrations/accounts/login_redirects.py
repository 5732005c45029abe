"""What a stranger asked for, or sent after the session had ended: where signing in leads, and what is said there."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_POST

SESSION_EXPIRED = "ended"
"""In the sign-in page's address: what was sent came to nothing."""
LOGIN_URL_NAMES = ("account_login", "admin:login")
MAX_REDIRECT_LENGTH = 2000
"""Of a redirect's address: servers before us refuse an answer whose head is over 4 KB (nginx, by 502)."""


def require_post(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Django's require_POST, and `has_get_view` knows it."""

    @wraps(view)
    def wrapped_view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = guarded(*args, **kwargs)
        return answer

    guarded = require_POST(view)
    wrapped_view.is_post_only = True  # type: ignore[attr-defined]
    return wrapped_view


def has_get_view(path: str) -> bool:
    """Is there something at this path of ours that a browser may open?"""
    try:
        return _has_get_method(resolve(path).func)
    except Resolver404:
        return False


def is_post_only(url: str) -> bool:
    """Opening it would be answered by 405. What is nowhere is none."""
    try:
        return not _has_get_method(resolve(urlsplit(url).path).func)
    except (Resolver404, ValueError):
        return False


def _has_get_method(view: Any) -> bool:
    return hasattr(view.view_class, "get") if hasattr(view, "view_class") else not hasattr(view, "is_post_only")


def find_parent_page(path: str) -> str:
    """The nearest page above an address, or the first page."""
    while path := path.rstrip("/").rpartition("/")[0]:
        if has_get_view(path):
            return path
    return reverse("home")


def _get_referrer(request: HttpRequest) -> str:
    """The page that the form was on. Browsers name it to ourselves; what is anybody else's counts for nothing."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_ours = page.netloc == request.get_host() and has_get_view(page.path)
    return urlunsplit(("", "", page.path, page.query, "")) if is_ours else ""


def redirect_to_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A stranger's POST that leads to sign-in and then to itself leads to where the form was instead, and says so."""
    page = urlsplit(response.headers.get("Location", ""))
    if page.path != reverse("account_login") or parse_qs(page.query).get("next") != [request.get_full_path()]:
        return response
    own = request.path if has_get_view(request.path) else find_parent_page(request.path)
    response["Location"] = f"{page.path}?{urlencode({'next': _get_referrer(request) or own, SESSION_EXPIRED: 1})}"
    return response


def shorten_login_redirect(response: HttpResponse) -> HttpResponse:
    """Where the way to sign-in would be too long, it leads back to the page without its query, or home."""
    page = urlsplit(response.headers.get("Location", ""))
    if len(response.headers.get("Location", "")) <= MAX_REDIRECT_LENGTH or page.path not in map(
        reverse, LOGIN_URL_NAMES
    ):
        return response
    query = parse_qs(page.query)
    plain = urlencode({"next": urlsplit(query.get("next", [""])[0]).path})
    kept = [plain] * (len(plain) <= MAX_REDIRECT_LENGTH) + [urlencode({SESSION_EXPIRED: 1})] * (
        SESSION_EXPIRED in query
    )
    response["Location"] = page._replace(query="&".join(kept)).geturl()
    return response
