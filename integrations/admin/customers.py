from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import csrf_protect_m
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from integrations import mail
from integrations.admin.invitations import state_of
from integrations.customers import invitations
from integrations.customers.forms import InviteForm
from integrations.http.ip_addresses import address_of
from integrations.models import Connection, Customer, Invitation, Membership, User
from integrations.roles import MemberRole
from integrations.staff.display import chip, switch, when
from integrations.staff.model_admin import ReadOnlyInline, StaffAdmin, link


class PeopleInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = "people"
    fields = ("person_", "name", "role_", "state", "last_login_")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("person")

    @admin.display(description="person")
    def person_(self, membership: Membership) -> SafeString:
        return link(membership.person)

    def name(self, membership: Membership) -> str:
        return membership.person.name or "–"

    @admin.display(description="role")
    def role_(self, membership: Membership) -> str:
        return membership.role.capitalize()

    def state(self, membership: Membership) -> SafeString:
        return switch(membership.person.is_active, "Active", "Switched off")

    @admin.display(description="last sign-in")
    def last_login_(self, membership: Membership) -> SafeString | str:
        return when(membership.person.last_login)


class InvitationsInline(ReadOnlyInline):
    model = Invitation
    verbose_name_plural = "invited, not joined yet"
    fields = ("address", "role", "state", "sent")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).filter(accepted_at=None, revoked_at=None)

    @admin.display(description="e-mail address")
    def address(self, invitation: Invitation) -> SafeString:
        return link(invitation, invitation.email)

    def state(self, invitation: Invitation) -> SafeString:
        return state_of(invitation)

    def sent(self, invitation: Invitation) -> SafeString | str:
        return when(invitation.sent_at)


class ConnectionsInline(ReadOnlyInline):
    model = Connection
    fields = ("company", "state_", "reason", "connected_at_")
    readonly_fields = fields

    def company(self, connection: Connection) -> SafeString:
        return link(connection, connection.company_id)

    @admin.display(description="state")
    def state_(self, connection: Connection) -> SafeString:
        return chip(connection.state)

    @admin.display(description="connected")
    def connected_at_(self, connection: Connection) -> SafeString | str:
        return when(connection.connected_at)


@admin.register(Customer)
class CustomerAdmin(StaffAdmin):
    nothing_yet = "Add the organisation that is to connect; then invite its first administrator from its page."
    list_display = ("name", "id", "is_active_", "connections_", "people_", "created_at_")
    search_fields = ("name", "=id")
    fields = ("name", "is_active", "language", "retention_days", "id", "created_at", "add_a_person")
    readonly_fields = ("id", "created_at", "add_a_person")
    inlines = (ConnectionsInline, PeopleInline, InvitationsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(
            connection_count=Count("connections", distinct=True), people_count=Count("memberships", distinct=True)
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("name", "is_active", "language", "retention_days")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def get_urls(self) -> list[URLPattern]:
        invite = self.admin_site.admin_view(self.invite_view)
        return [path("<path:object_id>/invite/", invite, name="integrations_customer_invite"), *super().get_urls()]

    @csrf_protect_m
    def invite_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self.get_object(request, object_id)
        if not isinstance(customer, Customer):
            raise Http404
        if not self.may_act(request):
            raise PermissionDenied
        is_first = not customer.memberships.filter(role=MemberRole.ADMINISTRATOR).exists()
        role = MemberRole.ADMINISTRATOR if is_first else MemberRole.VIEWER
        form = InviteForm(request.POST or None, initial={"role": role})
        if form.is_valid() and (invitation := self._invite(request, customer, form)):
            if mail.is_sent():
                return redirect(self.url_of(customer))
            return redirect("admin:integrations_invitation_change", quote(invitation.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": customer,
            "form": form,
            "is_mail_sent": mail.is_sent(),
            "title": f"Invite somebody to {customer}",
            "back_url": self.url_of(customer),
        }
        return TemplateResponse(request, "admin/integrations/customer/invite.html", context)

    def _invite(self, request: HttpRequest, customer: Customer, form: InviteForm) -> Invitation | None:
        by, address = cast(User, request.user), address_of(request)
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        try:
            invitation = invitations.invite(customer, email, role, by=by, address=address)
        except invitations.InvitationError as error:
            form.add_error(None, str(error))
            return None
        told = messages.success if mail.is_sent() else messages.warning
        told(request, invitations.said(email, instead="hand the link over yourself"))
        return invitation

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A customer that has ever connected is switched off, not deleted: orders hang on it."""
        return obj is not None and super().has_delete_permission(request, obj) and not obj.connections.exists()

    @admin.display(description="state", ordering="is_active")
    def is_active_(self, customer: Customer) -> SafeString:
        return switch(customer.is_active, "Active", "Switched off")

    @admin.display(description="connections", ordering="connection_count")
    def connections_(self, customer: Any) -> int:
        return int(customer.connection_count)

    @admin.display(description="people", ordering="people_count")
    def people_(self, customer: Any) -> int:
        return int(customer.people_count)

    @admin.display(description="since", ordering="created_at")
    def created_at_(self, customer: Customer) -> SafeString | str:
        return when(customer.created_at)

    @admin.display(description="people")
    def add_a_person(self, customer: Customer) -> SafeString:
        invite = reverse("admin:integrations_customer_invite", args=[quote(customer.pk)])
        add = f"{reverse('admin:integrations_user_add')}?customer={customer.pk}"
        ways = [(invite, "Invite by e-mail"), (add, "Add with a password")]
        return format_html_join(" ", '<a class="button-link" href="{}">{}</a>', ways)
