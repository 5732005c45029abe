"""What a customer's admin sees after signing in: the connections of the own organisation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from integrations.accounts.login_redirects import require_post
from integrations.api.authentication import wait_for_token_cache
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.customers import memberships
from integrations.models import ConnectAttempt, Connection, ConnectionState, Customer, User


def list_connections(customer: Customer) -> list[Connection]:
    """With `tries`: the newest of them shows who connected."""
    tries = ConnectAttempt.objects.select_related("consent__user").order_by("-created_at")
    return list(customer.connections.prefetch_related(Prefetch("attempts", tries, to_attr="tries")))


@require_safe
@login_required
def show_home(request: HttpRequest) -> HttpResponse:
    """Staff have a place of their own."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    if request.user.is_staff:
        return redirect("admin:index")
    shown = memberships.page_context(request)
    membership = shown["membership"]
    context = {
        **shown,
        "connections": list_connections(membership.customer) if membership else [],
        "can_connect": membership is not None and membership.is_administrator,
    }
    return render(request, "integrations/home.html", context)


@require_post
@login_required
def switch_organisation(request: HttpRequest) -> HttpResponse:
    """Look at another of the own organisations. One that is not the own is not found."""
    membership = memberships.get_membership(request.user, request.POST.get("organisation", ""))
    if membership is None:
        raise Http404
    memberships.switch_to(request, membership)
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def disconnect_company(request: HttpRequest, company_id: str) -> HttpResponse:
    """Says what it means on GET, does it on POST. Another customer's company is not found."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    mine = memberships.active_memberships(request.user).values("customer")
    connection = get_object_or_404(
        Connection.objects.select_related("customer"), company_id=company_id, customer__in=mine
    )
    if not lifecycle.can_connect(request.user, connection.customer):
        return render(request, "403.html", status=403)
    if connection.state == ConnectionState.DISABLED:
        return redirect("home")
    if request.method != "POST":
        return render(request, "integrations/disconnect.html", {"connection": connection})
    lifecycle.disable_connection(connection, actor=Actor.from_request(request), reason="Disconnected on this page.")
    wait_for_token_cache()
    messages.success(request, f"{connection.company_id} is disconnected.")
    return redirect("home")
