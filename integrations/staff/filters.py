"""Filters of admin's lists."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest


class ConditionFilter(admin.SimpleListFilter):
    """List filter with a condition for each of its values. An unknown value filters nothing."""

    def get_conditions(self) -> dict[str, tuple[str, Q]]:
        """Return label and condition by value."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.get_conditions().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _, condition = self.get_conditions().get(self.value() or "", ("", Q()))
        return queryset.filter(condition)
