"""What a customer's admin sees after signing in: the connections of the own organisation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from integrations import connections
from integrations.addresses import address_of
from integrations.models import ConnectAttempt, Connection, ConnectionState, User


def connections_of(user: User) -> list[Connection]:
    """With `latest`: the try that shows who connected."""
    if user.customer is None:
        return []
    tries = ConnectAttempt.objects.select_related("consent__user").order_by("-created_at")
    return list(user.customer.connections.prefetch_related(Prefetch("attempts", tries, to_attr="tries")))


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Staff have a place of their own."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    if request.user.is_staff:
        return redirect("admin:index")
    mine = connections_of(request.user)
    return render(
        request, "integrations/home.html", {"connections": mine, "may_connect": connections.may_connect(request.user)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def disconnect(request: HttpRequest, company_id: str) -> HttpResponse:
    """Says what it means on GET, does it on POST. Another customer's company is not found."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    connection = get_object_or_404(
        Connection, company_id=company_id, customer=request.user.customer, customer__isnull=False
    )
    if not connections.may_connect(request.user):
        return render(request, "403.html", status=403)
    if connection.state == ConnectionState.DISABLED:
        return redirect("home")
    if request.method != "POST":
        return render(request, "integrations/disconnect.html", {"connection": connection})
    connections.disable(connection, by=request.user, address=address_of(request), why="Disconnected on this page.")
    messages.success(request, f"{connection.company_id} is disconnected.")
    return redirect("home")
