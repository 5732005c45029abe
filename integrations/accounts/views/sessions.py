from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from integrations.accounts import sessions
from integrations.accounts.login_redirects import require_post
from integrations.audit import Actor
from integrations.models import User


@require_post
def end_all(request: HttpRequest) -> HttpResponse:
    """Sign the user out of every browser, including this one."""
    if isinstance(request.user, User):
        sessions.end_all(request.user, actor=Actor.from_request(request))
        logout(request)
        messages.success(request, "You are signed out everywhere.")
    return redirect("account_login")
