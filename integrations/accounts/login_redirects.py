"""Redirects to the login page, for anonymous requests and for forms posted after the session expired."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_POST

SESSION_EXPIRED = "ended"  # a query parameter of the login page, which then says that the form was not saved
LOGIN_URL_NAMES = ("account_login", "admin:login")
MAX_REDIRECT_LENGTH = 2000  # reverse proxies reject long headers: nginx answers 502 from 4 KB on


def require_post(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Allow POST only, like Django's require_POST, in a way that `has_get_view` and `is_post_only` can detect."""

    @wraps(view)
    def wrapped_view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = guarded(*args, **kwargs)
        return response

    guarded = require_POST(view)
    wrapped_view.is_post_only = True  # type: ignore[attr-defined]
    return wrapped_view


def has_get_view(path: str) -> bool:
    """Return True if the path leads to a view that answers GET."""
    try:
        return _has_get_method(resolve(path).func)
    except Resolver404:
        return False


def is_post_only(url: str) -> bool:
    """Return True if the URL's view answers GET with 405. False if there is no view."""
    try:
        return not _has_get_method(resolve(urlsplit(url).path).func)
    except (Resolver404, ValueError):
        return False


def _has_get_method(view: Any) -> bool:
    return hasattr(view.view_class, "get") if hasattr(view, "view_class") else not hasattr(view, "is_post_only")


def find_parent_page(path: str) -> str:
    """Return the nearest page above the path, or the start page."""
    while path := path.rstrip("/").rpartition("/")[0]:
        if has_get_view(path):
            return path
    return reverse("home")


def _get_referrer(request: HttpRequest) -> str:
    """Return the path and query of the page of ours with the form, or an empty string."""
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return ""
    is_ours = page.netloc == request.get_host() and has_get_view(page.path)
    return urlunsplit(("", "", page.path, page.query, "")) if is_ours else ""


def redirect_to_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let a POST that was redirected to the login page lead back to its form, and mark the session as expired.

    Without this, logging in would lead to the POST's own URL, by GET.
    """
    page = urlsplit(response.headers.get("Location", ""))
    if page.path != reverse("account_login") or parse_qs(page.query).get("next") != [request.get_full_path()]:
        return response
    fallback = request.path if has_get_view(request.path) else find_parent_page(request.path)
    response["Location"] = f"{page.path}?{urlencode({'next': _get_referrer(request) or fallback, SESSION_EXPIRED: 1})}"
    return response


def shorten_login_redirect(response: HttpResponse) -> HttpResponse:
    """Shorten an overlong redirect to the login page: `next` loses its query, or is dropped."""
    location = response.headers.get("Location", "")
    page = urlsplit(location)
    if len(location) <= MAX_REDIRECT_LENGTH or page.path not in map(reverse, LOGIN_URL_NAMES):
        return response
    query = parse_qs(page.query)
    next_path = urlencode({"next": urlsplit(query.get("next", [""])[0]).path})
    parts = [next_path] if len(next_path) <= MAX_REDIRECT_LENGTH else []
    if SESSION_EXPIRED in query:
        parts.append(urlencode({SESSION_EXPIRED: 1}))
    response["Location"] = page._replace(query="&".join(parts)).geturl()
    return response
