"""The orders of an organisation, for its own people."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from integrations import memberships
from integrations.models import User
from orders import queries

PAGE = 50


@require_safe
@login_required
def orders(request: HttpRequest) -> HttpResponse:
    """Newest first. Another customer's are not in the query; staff have a place of their own."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    if request.user.is_staff:
        return redirect("admin:orders_order_changelist")
    shown = memberships.shown(request)
    rows = queries.of_customer(shown["membership"].customer if shown["membership"] else None)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "orders/list.html", {"page": page, **shown})
