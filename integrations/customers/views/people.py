"""An organisation's own people: who they are, who was invited, and the way in and out. Administrators change it."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from integrations.accounts.login_redirects import only_post
from integrations.customers import invitations, memberships
from integrations.customers.forms import InviteForm, RoleForm
from integrations.http.ip_addresses import address_of
from integrations.models import Customer, Invitation, Membership, User


def by_of(request: HttpRequest) -> dict[str, Any]:
    """Who acts, from where: for the audit."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required said so)
    return {"by": request.user, "address": address_of(request)}


def administered(request: HttpRequest, customer_id: str) -> Customer:
    """Of others 404, and 403 where this person only looks on."""
    membership = memberships.in_organisation(request.user, customer_id)
    if membership is None:
        raise Http404
    if not membership.is_administrator:
        raise PermissionDenied
    return membership.customer


def tried(request: HttpRequest, act: Callable[[], object], done: str) -> HttpResponse:
    """Do it, and say so, or say why not."""
    try:
        act()
    except (invitations.InvitationError, memberships.MembershipError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("people")


@require_safe
@login_required
def people(request: HttpRequest) -> HttpResponse:
    return page(request, InviteForm())


def page(request: HttpRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    shown = memberships.shown(request)
    membership = shown["membership"]
    if membership is None:
        return redirect("home")
    context = {
        **shown,
        "form": form,
        "people": membership.customer.memberships.select_related("person").order_by("person__email"),
        "invitations": invitations.open_ones(membership.customer),
    }
    return render(request, "integrations/people.html", context, status=status)


@only_post
@login_required
def invite(request: HttpRequest) -> HttpResponse:
    customer = administered(request, request.POST.get("organisation", ""))
    form = InviteForm(request.POST)
    if not form.is_valid():
        return page(request, form, 400)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    return tried(
        request,
        lambda: invitations.invite(customer, email, role, **by_of(request)),
        invitations.said(email, instead=ask_for_it()),
    )


def ask_for_it() -> str:
    return f"ask {settings.BRAND_NAME} for the link"


def invited(request: HttpRequest, invitation_id: str) -> Invitation:
    invitation = get_object_or_404(Invitation.objects.select_related("customer"), pk=invitation_id)
    administered(request, invitation.customer_id)
    return invitation


@only_post
@login_required
def resend(request: HttpRequest, invitation_id: str) -> HttpResponse:
    invitation = invited(request, invitation_id)
    return tried(
        request,
        lambda: invitations.resend(invitation, **by_of(request)),
        invitations.said_again(invitation.email, instead=ask_for_it()),
    )


@only_post
@login_required
def revoke(request: HttpRequest, invitation_id: str) -> HttpResponse:
    invitation = invited(request, invitation_id)
    said = invitations.said_revoked(invitation.email)
    return tried(request, lambda: invitations.revoke(invitation, **by_of(request)), said)


def member(request: HttpRequest, membership_id: int) -> Membership:
    membership = get_object_or_404(Membership.objects.select_related("customer", "person"), pk=membership_id)
    administered(request, membership.customer_id)
    return membership


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """To the other role, which the page asks for where somebody cannot take it back: with himself."""
    membership = member(request, membership_id)
    if request.method != "POST":
        context = {"membership": membership, "is_last": memberships.is_last_administrator(membership)}
        return render(request, "integrations/role.html", context)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    role = form.cleaned_data["role"]
    done = f"{membership.person} is {'an administrator' if role == 'administrator' else 'a viewer'} now."
    return tried(request, lambda: memberships.change_role(membership, role, **by_of(request)), done)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def remove(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Says what it means on GET, does it on POST."""
    membership = member(request, membership_id)
    if request.method != "POST":
        context = {"membership": membership, "is_last": memberships.is_last_administrator(membership)}
        return render(request, "integrations/remove.html", context)
    return tried(
        request,
        lambda: memberships.remove(membership, **by_of(request)),
        f"{membership.person} is no longer one of the people of {membership.customer}.",
    )
