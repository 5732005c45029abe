from typing import cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from integrations.accounts import sessions
from integrations.accounts.login_redirects import require_post
from integrations.accounts.reauthentication import reauthentication_required, require_recent
from integrations.accounts.session_store import hash_session_key
from integrations.audit import Actor
from integrations.models import User


@require_safe
@login_required
def list_sessions(request: HttpRequest) -> HttpResponse:
    """List the browsers in which the user is signed in."""
    browsers = sessions.list_browsers(cast(User, request.user), request.session.session_key)
    return render(request, "account/sessions.html", {"browsers": browsers})


@require_post
@login_required
@reauthentication_required
def end_one(request: HttpRequest, session_id: str) -> HttpResponse:
    """Sign the user out of one browser. Of this one, it is an ordinary sign-out."""
    user = cast(User, request.user)
    is_current = session_id == hash_session_key(request.session.session_key or "")
    if not sessions.end_one(user, session_id, actor=Actor.from_request(request)):
        raise Http404
    if is_current:
        logout(request)
    messages.success(request, "You are signed out of that browser.")
    return redirect("account_login" if is_current else "sessions")


@require_post
def end_all(request: HttpRequest) -> HttpResponse:
    """Sign the user out of every browser, including this one."""
    if isinstance(request.user, User):
        require_recent(request)
        sessions.end_all(request.user, actor=Actor.from_request(request))
        logout(request)
        messages.success(request, "You are signed out everywhere.")
    return redirect("account_login")
