"""To the vendor's identity provider and back. What it cannot do, a page says; it is never a fault of ours."""

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
            answer: HttpResponse = view.adapter_view(sso.VendorOIDCAdapter(request, sso.PROVIDER_ID))(request)
        except sso.SSO_ERRORS as fault:
            log.warning("identity provider failed", why=type(fault).__name__)
            return render(request, "socialaccount/authentication_error.html", status=502)
        return answer

    return guarded_view


_login_view, callback_view = guard_provider_errors(OAuth2LoginView), guard_provider_errors(OAuth2CallbackView)


def begin_login(request: HttpRequest) -> HttpResponse:
    """Of the address nothing counts but where to go afterwards: no scope, no parameter for the provider."""
    asked = QueryDict(mutable=True)
    if wanted := request.GET.get("next"):
        asked["next"] = wanted
    request.GET = asked  # type: ignore[assignment]
    return _login_view(request)
