from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from integrations import sessions
from integrations.addresses import address_of
from integrations.models import User


@require_POST
@login_required
def end_all(request: HttpRequest) -> HttpResponse:
    """Out of every browser, this one too."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    sessions.end_all(request.user, by=request.user, address=address_of(request))
    logout(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("account_login")
