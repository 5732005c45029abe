"""Session timeout: 30 idle minutes or 12 hours, and signing a user out of every browser."""

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
from integrations.database.chunks import iterate_in_chunks
from integrations.models import User

IDLE_SECONDS = 30 * 60
MAX_SESSION_SECONDS = 12 * 3600
TOUCH_INTERVAL = 60  # seconds between writes of LAST_SEEN_KEY, so that most requests write nothing
STARTED_AT_KEY, LAST_SEEN_KEY = "signed_in_at", "seen_at"
# Not "cookies", which would reach the vendor's other sites under the same domain.
CLEAR_SITE_DATA = '"cache", "storage"'


class PortalSessionMiddleware(SessionMiddleware):
    """Session middleware that deletes the cookie when a session ends, but not for an unknown session.

    Logging in changes the session's key. A parallel request with the former key, such as for the favicon, must not make
    the browser delete the new cookie.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.session.is_empty() and not request.session.modified:
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)


class SessionTimeoutMiddleware:
    """Session timeout middleware: log users out after 30 idle minutes or 12 hours.

    Must come after AuthenticationMiddleware and MessageMiddleware; the view already sees AnonymousUser.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return self._respond_anonymously(request)
        if reason := _expiry_reason(request):
            logout(request)
            messages.warning(request, reason)
        response = self._respond_anonymously(request) if reason else self.get_response(request)
        if SESSION_KEY not in request.session:
            response["Clear-Site-Data"] = CLEAR_SITE_DATA  # so that "Back" does not show cached pages
        return response

    def _respond_anonymously(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return login_redirects.shorten_login_redirect(
            login_redirects.redirect_to_form(request, response) if request.method == "POST" else response
        )


def _expiry_reason(request: HttpRequest) -> str:
    """Return a message if the session has timed out, else update its timestamps and return an empty string."""
    now, session = time.time(), request.session
    started_at, seen_at = session.setdefault(STARTED_AT_KEY, now), session.get(LAST_SEEN_KEY, now)
    if now - started_at > MAX_SESSION_SECONDS:
        return "You were signed out after twelve hours. Sign in again to continue."
    if now - seen_at > IDLE_SECONDS:
        return "You were signed out after half an hour without activity."
    if LAST_SEEN_KEY not in session or now - seen_at > TOUCH_INTERVAL:
        session[LAST_SEEN_KEY] = now
    return ""


def end_all(user: User, *, actor: audit.Actor) -> int:
    """Sign the user out of every browser and return the number of sessions ended."""
    store = SessionStore()
    active = Session.objects.filter(expire_date__gt=timezone.now())
    rows = iterate_in_chunks(active)
    keys = [row.pk for row in rows if store.decode(row.session_data).get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=keys).delete()
    audit.record("sessions.ended", user.pk, actor=actor, sessions=len(keys))
    return len(keys)
