"""Single sign-on views: a failing identity provider gives an error page with 502, never a 500."""

from collections.abc import Callable
from typing import Any

import structlog
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from integrations.accounts import sso

log = structlog.get_logger(__name__)


def guard_provider_errors(view: Any) -> Callable[[HttpRequest], HttpResponse]:
    @require_GET
    def guarded_view(request: HttpRequest) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404
        try:
            response: HttpResponse = view.adapter_view(sso.VendorOIDCAdapter(request, sso.PROVIDER_ID))(request)
        except sso.SSO_ERRORS as error:
            log.warning("identity provider failed", why=type(error).__name__)
            return render(request, "socialaccount/authentication_error.html", status=502)
        return response

    return guarded_view


_login_view, callback_view = guard_provider_errors(OAuth2LoginView), guard_provider_errors(OAuth2CallbackView)


def begin_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the provider. Of the query only `next` is used, so that a link cannot set the scope or the like."""
    query = QueryDict(mutable=True)
    if next_url := request.GET.get("next"):
        query["next"] = next_url
    request.GET = query  # type: ignore[assignment]
    return _login_view(request)
