"""What the sign-in page depends on."""

from django import template
from django.http import HttpRequest

from integrations.connections.consents import has_open_popup
from integrations.connections.popup import CONSENT_PATH

register = template.Library()


@register.filter
def is_in_popup(request: HttpRequest) -> bool:
    """Is this sign-in a step of a consent in POPUP mode, which would be lost if the window led elsewhere?"""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted.startswith(CONSENT_PATH) and has_open_popup(request)
