"""Template filters for the pages around sign-in (`{% load sign_in %}`)."""

from django import template
from django.http import HttpRequest

from integrations.connections.consents import has_open_popup
from integrations.connections.popup import CONSENT_PATH
from integrations.customers import memberships
from integrations.models import Customer

register = template.Library()


@register.filter
def is_in_popup(request: HttpRequest) -> bool:
    """Return True if signing in leads to an open consent in POPUP mode, which another page would interrupt."""
    next_url = request.POST.get("next") or request.GET.get("next") or ""
    return next_url.startswith(CONSENT_PATH) and has_open_popup(request)


@register.filter
def locked_customers(user: object) -> list[Customer]:
    """Return the customers that the user cannot see without a second factor."""
    return memberships.find_locked_customers(user)
