"""Selects of rows that become a search as soon as there are too many rows to scroll through."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model, QuerySet

MAX_OPTIONS = 50


def has_many_options(rows: QuerySet[Any]) -> bool:
    return rows.order_by()[: MAX_OPTIONS + 1].count() > MAX_OPTIONS


def is_searchable(model: type[Model]) -> bool:
    """Return True if the admin has a page of this model that can be searched."""
    return admin.site.is_registered(model) and bool(admin.site._registry[model].search_fields)


def offer_search(field: "forms.ModelChoiceField[Any]", foreign_key: Any) -> None:
    """Replace the select of a form's field by a search if it has many options.

    `foreign_key` is a model's field with the same options: Django's autocomplete view answers for such fields only.
    """
    assert field.queryset is not None  # noqa: S101 (for mypy)
    if has_many_options(field.queryset):
        field.widget = AutocompleteSelect(foreign_key, admin.site)
        field.widget.is_required = field.required
        field.widget.choices = field.choices
