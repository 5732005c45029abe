"""Invitation page: accepting an invitation by its link, with a new or an existing account."""

from urllib.parse import urlencode

from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from integrations.accounts import sign_in_log
from integrations.accounts.adapter import AUTH_BACKEND, AccountAdapter
from integrations.customers import invitations, memberships
from integrations.customers.forms import SignupForm
from integrations.http.ip_addresses import get_client_ip
from integrations.models import Invitation, User


def render_outcome(request: HttpRequest, name: str, status: int, **context: object) -> HttpResponse:
    return render(request, f"integrations/invitation/{name}.html", context, status=status)


class InvitationView(View):
    """GET changes no data, because email scanners open links."""

    def dispatch(self, request: HttpRequest, token: str) -> HttpResponseBase:  # type: ignore[override]
        invitation = invitations.get_by_token(token)
        if invitation is None:
            return render_outcome(request, "unknown", 404)
        if invitation.state != "open" or not invitation.customer.is_active:
            return render_outcome(request, "over", 410, invitation=invitation)
        return super().dispatch(request, invitation)

    def get(self, request: HttpRequest, invitation: Invitation) -> HttpResponse:
        if request.user.is_authenticated:
            return self._render_for_user(request, invitation)
        if User.objects.filter(email=invitation.email).exists():
            return redirect(f"{reverse('account_login')}?{urlencode({'next': request.path})}")
        return render_outcome(request, "new", 200, invitation=invitation, form=SignupForm(email=invitation.email))

    def post(self, request: HttpRequest, invitation: Invitation) -> HttpResponse:
        if request.POST.get("act") == "change-account":
            logout(request)
            return redirect(request.path)
        try:
            return self._accept_invitation(request, invitation)
        except invitations.InvitationClosedError:
            invitation.refresh_from_db()
            return render_outcome(request, "over", 410, invitation=invitation)
        except invitations.AccountExistsError:
            return render_outcome(request, "over", 409, invitation=invitation, needs_sign_in=True)
        except (invitations.InvitationError, memberships.MembershipError):
            return self._render_for_user(request, invitation)

    def _render_for_user(self, request: HttpRequest, invitation: Invitation) -> HttpResponse:
        is_staff = getattr(request.user, "is_staff", False)
        if is_staff or getattr(request.user, "email", "") != invitation.email:
            return render_outcome(request, "another", 403, invitation=invitation, is_staff=is_staff)
        return render_outcome(request, "join", 200, invitation=invitation)

    def _accept_invitation(self, request: HttpRequest, invitation: Invitation) -> HttpResponse:
        ip = get_client_ip(request)
        if isinstance(request.user, User):
            membership = invitations.accept_invitation(invitation, request.user, ip=ip)
        else:
            form = SignupForm(request.POST, email=invitation.email)
            if not form.is_valid():
                return render_outcome(request, "new", 400, invitation=invitation, form=form)
            name, password = form.cleaned_data["name"], form.cleaned_data["password1"]
            membership = invitations.accept_as_new_user(invitation, name=name, password=password, ip=ip)
            sign_in_log.note_invitation(request, membership.person)
            login(request, membership.person, backend=AUTH_BACKEND)
            reauthenticate_by_password(request)  # the password was chosen just now
        memberships.switch_to(request, membership)
        messages.success(request, f"Welcome to {membership.customer}.")
        return redirect(AccountAdapter(request).get_login_redirect_url(request))
