"""Admin of customers, with their connections, companies, people and open invitations."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from integrations import mail
from integrations.admin import companies
from integrations.admin.companies import ClaimsInline
from integrations.admin.invitations import invitation_badge, render_email
from integrations.audit import Actor
from integrations.connections.forms import CompanyForm
from integrations.customers import invitations, memberships
from integrations.customers.forms import InviteForm
from integrations.models import Connection, Customer, Invitation, Membership
from integrations.roles import MemberRole
from integrations.staff.display import render_boolean_badge, render_status_badge, time_column
from integrations.staff.model_admin import ActionError, ReadOnlyInline, StaffAdmin, render_admin_link


class PeopleInline(ReadOnlyInline):
    model = Membership
    verbose_name_plural = "people"
    fields = ("person_link", "person_name", "role_text", "active_badge", "last_login_time")
    last_login_time = time_column("person__last_login", "last sign-in")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("person")

    @admin.display(description="person")
    def person_link(self, membership: Membership) -> SafeString:
        return render_admin_link(membership.person)

    @admin.display(description="name")
    def person_name(self, membership: Membership) -> str:
        return membership.person.name or "–"

    @admin.display(description="role")
    def role_text(self, membership: Membership) -> str:
        return membership.role.capitalize()

    @admin.display(description="state")
    def active_badge(self, membership: Membership) -> SafeString:
        return render_boolean_badge(membership.person.is_active, "Active", "Inactive")


class InvitationsInline(ReadOnlyInline):
    model = Invitation
    verbose_name_plural = "open invitations"
    fields = ("email_link", "role", "state_badge", "email_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return invitations.with_email(super().get_queryset(request).filter(accepted_at=None, revoked_at=None))

    @admin.display(description="email")
    def email_text(self, invitation: Invitation) -> SafeString:
        return render_email(invitation)

    @admin.display(description="email address")
    def email_link(self, invitation: Invitation) -> SafeString:
        return render_admin_link(invitation, invitation.email)

    @admin.display(description="state")
    def state_badge(self, invitation: Invitation) -> SafeString:
        return invitation_badge(invitation)


class ConnectionsInline(ReadOnlyInline):
    model = Connection
    fields = ("company_link", "state_badge", "reason", "connected_time")
    connected_time = time_column("connected_at", "connected")

    @admin.display(description="company")
    def company_link(self, connection: Connection) -> SafeString:
        return render_admin_link(connection, connection.company_id)

    @admin.display(description="state")
    def state_badge(self, connection: Connection) -> SafeString:
        return render_status_badge(connection.state)


@admin.register(Customer)
class CustomerAdmin(StaffAdmin):
    is_grave = True
    empty_list_text = "Add a customer here, then invite its first administrator from its page."
    list_display = ("name", "id", "active_badge", "count_connections", "count_people", "created_time")
    search_fields = ("name", "=id")
    ordering = ("name", "id")
    editable_fields = (
        *("name", "is_active", "requires_second_factor", "language", "retention_days"),
        "skips_confirmation",
    )
    fields = (*editable_fields, "id", "created_at", "add_links")
    readonly_fields = ("id", "created_at", "add_links")
    inlines = (ConnectionsInline, ClaimsInline, PeopleInline, InvitationsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(
            connection_count=Count("connections", distinct=True), people_count=Count("memberships", distinct=True)
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else self.editable_fields

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not obj.is_active and "is_active" in form.changed_data:
            memberships.end_sessions(obj, actor=Actor.from_request(request))

    def get_urls(self) -> list[URLPattern]:
        invite, assign = map(self.admin_site.admin_view, (self.invite_view, self.assign_view))
        return [
            path("<path:object_id>/invite/", invite, name="integrations_customer_invite"),
            path("<path:object_id>/assign/", assign, name="integrations_customer_assign"),
            *super().get_urls(),
        ]

    def assign_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Assign a company to the customer, which can then connect it without confirmation."""
        customer = self._get_customer(request, object_id)
        form = CompanyForm(request.POST or None)
        if form.is_valid():
            try:
                messages.success(request, companies.assign(request, form.cleaned_data["company_id"], customer))
                return redirect(self.get_change_url(customer))
            except ActionError as error:
                form.add_error("company_id", str(error))
        template, title = "admin/integrations/customer/assign.html", f"Assign a company to {customer}"
        return self.render_object_page(request, customer, template, title, form=form)

    def _get_customer(self, request: HttpRequest, object_id: str) -> Customer:
        """Return the customer. Raise Http404, or PermissionDenied for read-only staff."""
        customer = self.get_object(request, object_id)
        if not isinstance(customer, Customer):
            raise Http404
        if not self.can_act(request):
            raise PermissionDenied
        return customer

    def response_post_save_add(self, request: HttpRequest, obj: Customer) -> HttpResponseRedirect:
        """Show the customer, where its people are invited."""
        return redirect(self.get_change_url(obj))

    def invite_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        customer = self._get_customer(request, object_id)
        self._require_reauthentication(request)
        is_first = not customer.memberships.filter(role=MemberRole.ADMINISTRATOR).exists()
        role = MemberRole.ADMINISTRATOR if is_first else MemberRole.VIEWER
        form = InviteForm(request.POST or None, initial={"role": role})
        if form.is_valid() and (invitation := self._send_invitation(request, customer, form)):
            if mail.is_email_enabled():
                return redirect(self.get_change_url(customer))
            return redirect("admin:integrations_invitation_change", quote(invitation.pk))
        template, title = "admin/integrations/customer/invite.html", f"Invite someone to {customer}"
        context = {"form": form, "unsent_note": mail.get_unsent_note()}
        return self.render_object_page(request, customer, template, title, **context)

    def _send_invitation(self, request: HttpRequest, customer: Customer, form: InviteForm) -> Invitation | None:
        email, role = form.cleaned_data["email"], form.cleaned_data["role"]
        try:
            invitation = invitations.send_invitation(customer, email, role, actor=Actor.from_request(request))
        except invitations.InvitationError as error:
            form.add_error(None, str(error))
            return None
        add_message = messages.success if mail.is_email_enabled() else messages.warning
        add_message(request, invitations.sent_text(email, fallback="pass the link on yourself"))
        return invitation

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete a customer that has ever connected: its orders depend on it."""
        return obj is not None and super().has_delete_permission(request, obj) and not obj.connections.exists()

    @admin.display(description="state", ordering="is_active")
    def active_badge(self, customer: Customer) -> SafeString:
        return render_boolean_badge(customer.is_active, "Active", "Inactive")

    @admin.display(description="connections", ordering="connection_count")
    def count_connections(self, customer: Any) -> int:
        return int(customer.connection_count)

    @admin.display(description="people", ordering="people_count")
    def count_people(self, customer: Any) -> int:
        return int(customer.people_count)

    created_time = time_column("created_at", "added")

    @admin.display(description="add")
    def add_links(self, customer: Customer) -> SafeString:
        assign = reverse("admin:integrations_customer_assign", args=[quote(customer.pk)])
        invite = reverse("admin:integrations_customer_invite", args=[quote(customer.pk)])
        add = f"{reverse('admin:integrations_user_add')}?customer={customer.pk}"
        links = [
            (invite, "Invite a person by email"),
            (add, "Add a person"),
            (assign, "Assign a company"),
        ]
        return format_html_join(" ", '<a class="button-link" href="{}">{}</a>', links)
