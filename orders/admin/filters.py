from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations.models import Customer
from integrations.outbox.models import DeliveryState
from integrations.staff.display import STATUS_BADGES
from orders.models import Order, Status

S = DeliveryState


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Status.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.with_status(self.value()) if self.value() else queryset


class CustomerFilter(admin.SimpleListFilter):
    title = "customer"
    parameter_name = "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Customer.objects.filter(connections__isnull=False).distinct().values_list("pk", "name")[:200])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(connection__customer=self.value()) if self.value() else queryset


class DeliveryFilter(admin.SimpleListFilter):
    title = "delivery of the result"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = ("none", S.PENDING, S.IN_FLIGHT, S.DELIVERED, S.HELD, S.UNKNOWN, S.FAILED)
        return [(str(state), STATUS_BADGES[state][0]) for state in states]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        return queryset.filter(newest_result_state=None if self.value() == "none" else self.value())


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ordinary", "Ordinary"), ("inline", "Inline")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(is_inline=self.value() == "inline") if self.value() else queryset
