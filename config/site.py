from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode


class PortalAdmin(AdminSite):
    """Django's admin, behind the portal's one sign-in (allauth: second factor, limits)."""

    site_header = site_title = "Partner portal"
    index_title = "Overview"

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        if request.user.is_authenticated and not self.has_permission(request):
            return redirect("home")
        return redirect(f"/accounts/login/?{urlencode({'next': request.get_full_path()})}")
