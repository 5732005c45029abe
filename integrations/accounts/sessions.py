"""How long somebody stays signed in: half an hour without a click, twelve hours in any case (RELIABILITY.md, A9)."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from integrations import audit
from integrations.accounts import login_redirects
from integrations.accounts.session_store import SessionStore
from integrations.models import User

IDLE_SECONDS = 30 * 60
MAX_SESSION_SECONDS = 12 * 3600
TOUCH_INTERVAL = 60
"""A click is written down once a minute at most: half an hour may be a minute less, and reading writes nothing."""
STARTED_AT_KEY, LAST_SEEN_KEY = "signed_in_at", "seen_at"
# Not "cookies", which would reach the vendor's other sites under the same domain.
CLEAR_SITE_DATA = '"cache", "storage"'


class PortalSessionMiddleware(SessionMiddleware):
    """Takes the browser's cookie away where a session ends, and not where it is unknown.

    Signing in gives the session another key. A request that was on its way with the former one, for the tab's icon or
    from another tab, would else be answered with "forget this cookie", after the browser had got the new one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.session.is_empty() and not request.session.modified:
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)


class SessionTimeoutMiddleware:
    """Stands behind authentication and messages. Whose time is over is a stranger to the view already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self._respond_anonymously(request)
        if why := _expiry_reason(request):
            logout(request)
            messages.warning(request, why)
        response = self._respond_anonymously(request) if why else self.get_response(request)
        if SESSION_KEY not in request.session:
            response["Clear-Site-Data"] = CLEAR_SITE_DATA  # nor does the browser show again what it still has (S16)
        return response

    def _respond_anonymously(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return login_redirects.shorten_login_redirect(
            login_redirects.redirect_to_form(request, response) if request.method == "POST" else response
        )


def _expiry_reason(request: HttpRequest) -> str:
    """Why this session ends now; empty, and noted as used, if it goes on."""
    now, session = time.time(), request.session
    began, seen = session.setdefault(STARTED_AT_KEY, now), session.get(LAST_SEEN_KEY, now)
    if now - began > MAX_SESSION_SECONDS:
        return "You were signed in for twelve hours. Sign in again to go on."
    if now - seen > IDLE_SECONDS:
        return "You were signed out, since nothing happened for half an hour."
    if LAST_SEEN_KEY not in session or now - seen > TOUCH_INTERVAL:
        session[LAST_SEEN_KEY] = now
    return ""


def end_all(user: User, *, actor: audit.Actor) -> int:
    """Sign somebody out of every browser, at once. Returns how many there were."""
    store = SessionStore()
    living = Session.objects.filter(expire_date__gt=timezone.now())
    keys = [row.pk for row in living.iterator() if store.decode(row.session_data).get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=keys).delete()
    audit.record("sessions.ended", user.pk, actor=actor, sessions=len(keys))
    return len(keys)
