from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.models import Connection, Customer, Membership
from integrations.shown import chip, switch, when
from integrations.staff import ReadOnlyInline, StaffAdmin, link


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
    list_display = ("name", "id", "is_active_", "connections_", "people_", "created_at_")
    search_fields = ("name", "=id")
    fields = ("name", "is_active", "language", "retention_days", "id", "created_at", "add_a_person")
    readonly_fields = ("id", "created_at", "add_a_person")
    inlines = (ConnectionsInline, PeopleInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.annotate(
            connection_count=Count("connections", distinct=True), people_count=Count("memberships", distinct=True)
        )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj else ("name", "is_active", "language", "retention_days")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

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
        url = f"{reverse('admin:integrations_user_add')}?customer={customer.pk}"
        return format_html('<a class="button-link" href="{}">Add a person</a>', url)
