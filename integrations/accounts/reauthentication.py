"""Re-authentication: grave actions ask for the password again, since an open session alone must not suffice."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY, stash_and_reauthenticate
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.core.internal.httpkit import deserialize_request, serialize_request
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import resolve

# An identity provider may sign a person in without asking anything. So its sign-ins count only if it was told to ask.
INTERACTIVE_METHODS = frozenset({"password", "mfa"})


def is_recent(request: HttpRequest) -> bool:
    """Return True if the user authenticated in the last five minutes, by signing in or by re-authentication."""
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(
        each["at"] > since and (each.get("reauthenticated") or each["method"] in INTERACTIVE_METHODS)
        for each in get_authentication_records(request, request.user)  # type: ignore[arg-type]
    )


def require_recent(request: HttpRequest) -> None:
    """Unless `is_recent`, interrupt the view: ask the user, then show the page or send the form again.

    Raises exceptions that allauth's middleware answers, or PermissionDenied for a user without a password, a second
    factor and an identity provider.
    """
    if is_recent(request):
        return
    if request.user.is_authenticated and not get_adapter(request).get_reauthentication_methods(request.user):
        raise PermissionDenied
    if request.method == "POST":
        state = {"request": serialize_request(request), "at": time.time()}
        raise ImmediateHttpResponse(stash_and_reauthenticate(request, state, f"{__name__}.{repeat_form.__name__}"))
    forget_form(request)
    raise ReauthenticationRequired


def forget_form(request: HttpRequest) -> None:
    """Forget a form that was abandoned at this question, so that it is not sent after the next one."""
    request.session.pop(STATE_SESSION_KEY, None)


def repeat_form(request: HttpRequest, state: dict[str, Any]) -> HttpResponseBase:
    """Send the interrupted form again after a re-authentication. Called by allauth."""
    if state["at"] < time.time() - app_settings.REAUTHENTICATION_TIMEOUT:
        return redirect("home")
    repeated = deserialize_request(state["request"], request)
    repeated.resolver_match = match = resolve(repeated.path_info)
    response: HttpResponseBase = match.func(repeated, *match.args, **match.kwargs)
    return response


def reauthentication_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Decorate a view that needs a recent authentication. Must stand below login_required."""

    @wraps(view)
    def wrapped_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        require_recent(request)
        return view(request, *args, **kwargs)

    return wrapped_view
