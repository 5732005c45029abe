"""Single sign-on views: a failing identity provider gives an error page with 502, never a 500."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from integrations.accounts import sso

log = structlog.get_logger(__name__)


def guard_provider_errors(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    @require_GET
    @wraps(view)
    def guarded_view(request: HttpRequest) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404
        try:
            return view(request)
        except sso.SSO_ERRORS as error:
            log.warning("identity provider failed", why=type(error).__name__)
            return render(request, "socialaccount/authentication_error.html", status=502)

    return guarded_view


def _adapt(view: Any) -> Callable[[HttpRequest], HttpResponse]:
    def adapted_view(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = view.adapter_view(sso.VendorOIDCAdapter(request, sso.PROVIDER_ID))(request)
        return response

    return guard_provider_errors(adapted_view)


_login_view, _callback_view = _adapt(OAuth2LoginView), _adapt(OAuth2CallbackView)


@guard_provider_errors
def begin_confirmation(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider, which authenticates the signed-in user again. Raises Http404 for all others."""
    if not sso.is_linked(request.user):
        raise Http404
    return sso.redirect_to_confirm(request)


def callback_view(request: HttpRequest) -> HttpResponse:
    """Sign in, or send the form again that waited for the confirmation."""
    response = _callback_view(request)
    if not sso.is_confirmation(request):
        return response
    return resume_request(request) or response


def begin_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider. Of the query only `next` is used, so that a link cannot set the scope or the like.

    Another site that leads here gets the sign-in page: a session begins by an act of the person, not by a link.
    """
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return redirect("account_login")
    query = QueryDict(mutable=True)
    if next_url := request.GET.get("next"):
        query["next"] = next_url
    request.GET = query  # type: ignore[assignment]
    return _login_view(request)
