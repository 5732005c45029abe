"""Start page of a customer's people: their organisation's connections."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from integrations.accounts.login_redirects import require_post
from integrations.accounts.reauthentication import reauthentication_required
from integrations.api.authentication import wait_for_token_cache
from integrations.audit import Actor
from integrations.connections import consents, lifecycle
from integrations.connections.claims import decisions
from integrations.customers import memberships
from integrations.models import ClaimState, CompanyClaim, ConnectAttempt, Connection, ConnectionState, Customer, User

SHOWS_DENIED_FOR = timedelta(days=14)

# The state of a connection that depends on its newest attempt.
UNDECIDED_STATES = (*lifecycle.IN_PROGRESS_STATES, ConnectionState.REFUSED)


def list_connections(customer: Customer) -> list[Connection]:
    """Return the connections, with the causes of their states.

    `approval` is the attempt that led to the state, or None. `exchange` is the progress or the outcome of the newest
    attempt, if that is what the connection depends on.
    """
    attempts = ConnectAttempt.objects.select_related("consent__user", "connection").order_by("-created_at")
    found: list[Connection] = list(
        customer.connections.filter(released_at=None).prefetch_related(
            Prefetch("attempts", attempts, to_attr="newest_attempts")
        )
    )
    newest = {each.pk: vars(each)["newest_attempts"] for each in found}
    undecided = [newest[each.pk][0] for each in found if each.state in UNDECIDED_STATES and newest[each.pk]]
    exchanges = consents.load_exchanges(undecided)
    for connection in found:
        tried = newest[connection.pk]
        vars(connection)["approval"] = find_approval(connection, tried)
        vars(connection)["exchange"] = exchanges.get(tried[0].pk) if tried else None
    return found


def find_approval(connection: Connection, attempts: list[ConnectAttempt]) -> ConnectAttempt | None:
    """Return the newest attempt that led to the connection, or to its present state if it never went live.

    Refused attempts are left out, and those that were cancelled or lost while an older connection went on.
    """
    if connection.state == ConnectionState.REFUSED:
        return None
    fitting = [each for each in attempts if each.state != ConnectionState.REFUSED]
    if connection.state in lifecycle.IN_PROGRESS_STATES or _was_approved_again(connection):
        return next(iter(fitting), None)
    live = [each for each in fitting if each.state == ConnectionState.LIVE]
    is_live = connection.state == ConnectionState.LIVE
    return next(iter(live), None if is_live else next(iter(fitting), None))


def _was_approved_again(connection: Connection) -> bool:
    """Return True if the state is of an attempt after a disconnect: `disabled_at` is cleared when one goes live."""
    return connection.state == ConnectionState.NEEDS_RECONNECT and connection.disabled_at is not None


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
    if page["locked"] and membership is None:
        return redirect("mfa_index")
    context = {
        **page,
        "connections": list_connections(membership.customer) if membership else [],
        "claims": list_claims(membership.customer) if membership else [],
        "can_connect": membership is not None and membership.is_administrator,
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
    connections = Connection.objects.select_related("customer").filter(customer__in=customers, released_at=None)
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
