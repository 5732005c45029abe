"""Sessions: their timeout (30 idle minutes or 12 hours), the list of a user's browsers, and signing them out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.middleware import SessionMiddleware
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from integrations import audit
from integrations.accounts import login_redirects
from integrations.accounts.session_store import SessionStore, hash_session_key
from integrations.http.ip_addresses import get_client_ip
from integrations.models import Session, User

IDLE_SECONDS = 30 * 60
MAX_SESSION_SECONDS = 12 * 3600
TOUCH_INTERVAL = 60  # seconds between writes of LAST_SEEN_KEY, so that most requests write nothing
STARTED_AT_KEY, LAST_SEEN_KEY, DEVICE_KEY, IP_KEY = "signed_in_at", "seen_at", "device", "ip"
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome"}
BROWSERS |= {"CriOS": "Chrome", "Safari": "Safari"}  # in this order: most call themselves Safari, too
SYSTEMS = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS": "macOS"}
SYSTEMS |= {"CrOS": "ChromeOS", "Linux": "Linux"}
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
        if reason := find_expiry_reason(request):
            logout(request)
            messages.warning(request, reason)
        else:
            touch(request)
        proofs = _count_proofs(request)
        response = self._respond_anonymously(request) if reason else self.get_response(request)
        if _count_proofs(request) > proofs:
            request.session.cycle_key()  # a cookie that was stolen before this proof ends with it
        if SESSION_KEY not in request.session:
            response["Clear-Site-Data"] = CLEAR_SITE_DATA  # so that "Back" does not show cached pages
        return response

    def _respond_anonymously(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        return login_redirects.shorten_login_redirect(
            login_redirects.redirect_to_form(request, response) if request.method == "POST" else response
        )


def _count_proofs(request: HttpRequest) -> int:
    """Return how often the user of this session re-authenticated."""
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    return sum(bool(each.get("reauthenticated")) for each in records)


def find_expiry_reason(request: HttpRequest) -> str:
    """Return a message if the session has timed out, else an empty string."""
    now, session = time.time(), request.session
    if now - session.get(STARTED_AT_KEY, now) > MAX_SESSION_SECONDS:
        return "You were signed out after twelve hours. Sign in again to continue."
    if now - session.get(LAST_SEEN_KEY, now) > IDLE_SECONDS:
        return "You were signed out after half an hour without activity."
    return ""


def touch(request: HttpRequest) -> None:
    """Note in the session that its user is there, and in which browser: at the sign-in, and with each request."""
    now, session = time.time(), request.session
    session.setdefault(STARTED_AT_KEY, now)
    if now - session.get(LAST_SEEN_KEY, 0.0) > TOUCH_INTERVAL:
        session[LAST_SEEN_KEY] = now
        session[DEVICE_KEY] = describe_device(request.headers.get("User-Agent", ""))
        session[IP_KEY] = get_client_ip(request)


def describe_device(user_agent: str) -> str:
    """Return browser and system, like “Firefox on Windows”, as the browser names itself."""
    browser = next((name for token, name in BROWSERS.items() if token in user_agent), "Another browser")
    system = next((name for token, name in SYSTEMS.items() if token in user_agent), "another system")
    return f"{browser} on {system}"


@dataclass(frozen=True)
class SignedInBrowser:
    """A browser in which the user is signed in. `id` names its session, and does not open it."""

    id: str
    device: str
    ip: str
    started_at: datetime
    seen_at: datetime
    is_current: bool


def list_browsers(user: User, current_key: str | None) -> list[SignedInBrowser]:
    """Return the browsers in which the user is signed in, the last seen first."""
    browsers = [
        _describe_session(row, hash_session_key(current_key or "")) for row in _active_sessions().filter(user=user)
    ]
    idle_since = timezone.now().timestamp() - IDLE_SECONDS
    active = [each for each in browsers if each.seen_at.timestamp() > idle_since]
    return sorted(active, key=lambda each: each.seen_at, reverse=True)


def _describe_session(row: Session, current_id: str) -> SignedInBrowser:
    data = SessionStore().decode(row.session_data)
    started_at = data.get(STARTED_AT_KEY, 0.0)
    return SignedInBrowser(
        id=row.pk,
        device=data.get(DEVICE_KEY, "A browser"),
        ip=data.get(IP_KEY) or "unknown",
        started_at=datetime.fromtimestamp(started_at, UTC),
        seen_at=datetime.fromtimestamp(data.get(LAST_SEEN_KEY, started_at), UTC),
        is_current=row.pk == current_id,
    )


def _active_sessions() -> QuerySet[Session]:
    return Session.objects.filter(expire_date__gt=timezone.now())


def is_signed_in(session_key: str) -> bool:
    """Return True if this is the key of a session of somebody who signed in, without reading it."""
    return _active_sessions().filter(pk=hash_session_key(session_key), user__isnull=False).exists()


def end_one(user: User, session_id: str, *, actor: audit.Actor) -> bool:
    """Sign the user out of one browser. Return False if it is not theirs, or over already."""
    deleted, _ = Session.objects.filter(user=user, pk=session_id).delete()
    if deleted:
        audit.record("session.ended", user.pk, actor=actor, name=user.email)
    return bool(deleted)


def end_all(user: User, *, actor: audit.Actor) -> int:
    """Sign the user out of every browser and return the number of sessions ended."""
    count, _ = _active_sessions().filter(user=user).delete()
    audit.record("sessions.ended", user.pk, actor=actor, sessions=count)
    return count


def end_others(user: User, current_key: str | None) -> None:
    """Delete the user's other sessions, which a new password has made invalid."""
    Session.objects.filter(user=user).exclude(pk=hash_session_key(current_key or "")).delete()
