from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from integrations.models import Customer
from integrations.outbox.models import Delivery, DeliveryState, Priority
from integrations.staff.display import STATUS_BADGES
from orders.models import Order, Status

S = DeliveryState


def annotate_delivery_state(orders: QuerySet[Order]) -> QuerySet[Order]:
    """`delivery_state`: of the newest result of each; none before a first result is to be sent."""
    newest = Delivery.objects.filter(subject=OuterRef("pk"), priority=Priority.RESULT).order_by("-pk")
    return orders.annotate(delivery_state=Subquery(newest.values("state")[:1]))


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """An order without any report is pending too."""
        if not self.value():
            return queryset
        return queryset.filter(status__in=["", Status.PENDING] if self.value() == Status.PENDING else [self.value()])


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
        """Of a queryset that went through `annotate_delivery_state`."""
        if not self.value():
            return queryset
        return queryset.filter(delivery_state=None if self.value() == "none" else self.value())


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ordinary", "Ordinary"), ("inline", "Inline")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(is_inline=self.value() == "inline") if self.value() else queryset
