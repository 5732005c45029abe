from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from integrations.accounts import sessions
from integrations.accounts.login_redirects import require_post
from integrations.http.ip_addresses import get_client_ip
from integrations.models import User


@require_post
def end_all(request: HttpRequest) -> HttpResponse:
    """Out of every browser, this one too. Whose session has ended meanwhile signs in to where he lives."""
    if isinstance(request.user, User):
        sessions.end_all(request.user, by=request.user, ip=get_client_ip(request))
        logout(request)
        messages.success(request, "You are signed out everywhere.")
    return redirect("account_login")
