"""Start page of a customer's people: their organisation's connections."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from integrations import mail
from integrations.accounts.login_redirects import require_post
from integrations.accounts.reauthentication import reauthentication_required
from integrations.api.authentication import wait_for_token_cache
from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.connections.claims import decisions
from integrations.customers import memberships
from integrations.models import ClaimState, CompanyClaim, ConnectAttempt, Connection, ConnectionState, Customer, User

SHOWS_DENIED_FOR = timedelta(days=14)


def list_connections(customer: Customer) -> list[Connection]:
    """Return the connections, each with `approval`: the attempt to connect that led to its state, or None."""
    attempts = ConnectAttempt.objects.select_related("consent__user").order_by("-created_at")
    found: list[Connection] = list(
        customer.connections.prefetch_related(Prefetch("attempts", attempts, to_attr="newest_attempts"))
    )
    for connection in found:
        vars(connection)["approval"] = find_approval(connection.state, vars(connection)["newest_attempts"])
    return found


def find_approval(state: str, attempts: list[ConnectAttempt]) -> ConnectAttempt | None:
    """Return the newest attempt, without those that came to nothing: a live connection was approved by a live one."""
    refused, live = ConnectionState.REFUSED, ConnectionState.LIVE
    fitting = (each for each in attempts if each.state != refused and (state != live or each.state == live))
    return next(fitting, None)


def list_claims(customer: Customer) -> list[CompanyClaim]:
    """Return the requests that wait for staff, and those that were denied lately."""
    is_shown = Q(state=ClaimState.WAITING) | Q(
        state=ClaimState.DENIED, decided_at__gt=timezone.now() - SHOWS_DENIED_FOR
    )
    return list(customer.claims.filter(is_shown))


@require_safe
@login_required
def show_home(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    if request.user.is_staff:
        return redirect("admin:index")
    page = memberships.page_context(request)
    membership = page["membership"]
    context = {
        **page,
        "connections": list_connections(membership.customer) if membership else [],
        "claims": list_claims(membership.customer) if membership else [],
        "can_connect": membership is not None and membership.is_administrator,
        "is_email_enabled": mail.is_email_enabled(),
    }
    return render(request, "integrations/home.html", context)


@require_post
@login_required
def switch_organisation(request: HttpRequest) -> HttpResponse:
    membership = memberships.get_membership(request.user, request.POST.get("organisation", ""))
    if membership is None:
        raise Http404
    memberships.switch_to(request, membership)
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def disconnect_company(request: HttpRequest, company_id: str) -> HttpResponse:
    """Disconnect a company. GET asks for confirmation."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    customers = memberships.active_memberships(request.user).values("customer")
    connections = Connection.objects.select_related("customer").filter(customer__in=customers)
    connection = get_object_or_404(connections, company_id=company_id)
    if not lifecycle.can_connect(request.user, connection.customer):
        return render(request, "403.html", status=403)
    if connection.state == ConnectionState.DISABLED:
        return redirect("home")
    if request.method != "POST":
        return render(request, "integrations/disconnect.html", {"connection": connection})
    lifecycle.disable_connection(connection, actor=Actor.from_request(request), reason="Disconnected by the customer.")
    wait_for_token_cache()
    messages.success(request, f"{connection.company_id} is disconnected.")
    return redirect("home")


@require_post
@login_required
def withdraw_request(request: HttpRequest, company_id: str) -> HttpResponse:
    """Withdraw a request to connect that waits for staff."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    customers = memberships.active_memberships(request.user).values("customer")
    waiting = CompanyClaim.objects.select_related("customer").filter(customer__in=customers, state=ClaimState.WAITING)
    claim = get_object_or_404(waiting, company_id=company_id)
    if not lifecycle.can_connect(request.user, claim.customer):
        return render(request, "403.html", status=403)
    decisions.withdraw_claim(claim, actor=Actor.from_request(request))
    messages.success(request, f"The request to connect {claim.company_id} was withdrawn.")
    return redirect("home")
