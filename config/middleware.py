from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import add_never_cache_headers

Respond = Callable[[HttpRequest], HttpResponse]


class SecurityHeaders:
    """What Django does not set: nothing personal stays in a cache, and no page may use a device."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/") and not response.has_header(
            "Cache-Control"
        ):
            add_never_cache_headers(response)
            response["Cache-Control"] = "no-store, private"
        return response


class StaffSecondFactor:
    """With STAFF_MFA=required, staff without a second factor get no further than setting one up."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.STAFF_MFA == "required"
            and request.path.startswith("/admin/")
            and request.user.is_authenticated
            and request.user.is_staff
            and not is_mfa_enabled(request.user)
        ):
            return redirect("mfa_activate_totp")
        return self.get_response(request)
