"""People page of a customer: members and invitations, which its administrators change."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from integrations.accounts.login_redirects import require_post
from integrations.accounts.mfa.policy import has_second_factor
from integrations.accounts.reauthentication import reauthentication_required
from integrations.audit import Actor
from integrations.customers import invitations, memberships
from integrations.customers.forms import InviteForm, RoleForm
from integrations.models import Customer, Invitation, Membership


def get_administered_customer(request: HttpRequest, customer_id: str) -> Customer:
    """Return the customer. Raises Http404 for other customers, and PermissionDenied for viewers."""
    membership = memberships.get_membership(request.user, customer_id)
    if membership is None:
        raise Http404
    if not membership.is_administrator:
        raise PermissionDenied
    return membership.customer


def run_and_report(request: HttpRequest, action: Callable[[Actor], object], success_text: str) -> HttpResponse:
    """Run the action, add a message of its success or failure, and redirect to the people page."""
    try:
        action(Actor.from_request(request))
    except (invitations.InvitationError, memberships.MembershipError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, success_text)
    return redirect("people")


@require_safe
@login_required
def list_people(request: HttpRequest) -> HttpResponse:
    return render_page(request, InviteForm())


def render_page(request: HttpRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    page = memberships.page_context(request)
    membership = page["membership"]
    if membership is None:
        return redirect("home")
    context = {
        **page,
        "form": form,
        "people": membership.customer.memberships.select_related("person")
        .annotate(has_second_factor=has_second_factor("person"))
        .order_by("person__email"),
        "invitations": invitations.with_email(invitations.open_invitations(membership.customer)),
    }
    return render(request, "integrations/people.html", context, status=status)


@require_post
@login_required
@reauthentication_required
def invite_person(request: HttpRequest) -> HttpResponse:
    customer = get_administered_customer(request, request.POST.get("organisation", ""))
    form = InviteForm(request.POST)
    if not form.is_valid():
        return render_page(request, form, 400)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    return run_and_report(
        request,
        lambda actor: invitations.send_invitation(customer, email, role, actor=actor),
        invitations.sent_text(email, fallback=link_instruction()),
    )


def link_instruction() -> str:
    return f"ask {settings.BRAND_NAME} for the link"


def get_invitation(request: HttpRequest, invitation_id: str) -> Invitation:
    invitation = get_object_or_404(Invitation.objects.select_related("customer"), pk=invitation_id)
    get_administered_customer(request, invitation.customer_id)
    return invitation


@require_post
@login_required
def resend_invitation(request: HttpRequest, invitation_id: str) -> HttpResponse:
    invitation = get_invitation(request, invitation_id)
    return run_and_report(
        request,
        lambda actor: invitations.resend_invitation(invitation, actor=actor),
        invitations.resent_text(invitation.email, fallback=link_instruction()),
    )


@require_post
@login_required
def revoke_invitation(request: HttpRequest, invitation_id: str) -> HttpResponse:
    invitation = get_invitation(request, invitation_id)
    text = invitations.revoked_text(invitation.email)
    return run_and_report(request, lambda actor: invitations.revoke_invitation(invitation, actor=actor), text)


@require_post
@login_required
@reauthentication_required
def require_second_factor(request: HttpRequest) -> HttpResponse:
    """Require a second factor of the customer's people, or no longer."""
    customer = get_administered_customer(request, request.POST.get("organisation", ""))
    is_required = request.POST.get("required") == "1"
    memberships.require_second_factor(customer, is_required, actor=Actor.from_request(request))
    messages.success(request, f"{customer} {'now requires' if is_required else 'no longer requires'} a second factor.")
    return redirect("people")


def get_membership(request: HttpRequest, membership_id: int) -> Membership:
    membership = get_object_or_404(Membership.objects.select_related("customer", "person"), pk=membership_id)
    get_administered_customer(request, membership.customer_id)
    return membership


def render_confirmation(request: HttpRequest, name: str, membership: Membership) -> HttpResponse:
    context = {"membership": membership, "is_last": memberships.is_last_administrator(membership)}
    return render(request, f"integrations/{name}.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def change_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Change a role. GET asks for confirmation, for administrators who change their own role."""
    membership = get_membership(request, membership_id)
    if request.method != "POST":
        return render_confirmation(request, "role", membership)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Http404
    role = form.cleaned_data["role"]
    text = f"{membership.person} is now {'an administrator' if role == 'administrator' else 'a viewer'}."
    return run_and_report(request, lambda actor: memberships.change_role(membership, role, actor=actor), text)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required
def remove_person(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Remove a person. GET asks for confirmation."""
    membership = get_membership(request, membership_id)
    if request.method != "POST":
        return render_confirmation(request, "remove", membership)
    text = f"{membership.person} no longer has access to {membership.customer}."
    return run_and_report(request, lambda actor: memberships.remove_member(membership, actor=actor), text)
