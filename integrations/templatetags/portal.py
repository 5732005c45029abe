"""`{% load portal %}`: how a status, a time and a form field look on every page."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from integrations.staff import display

register = template.Library()
register.inclusion_tag("partials/chip.html", name="chip")(display.chip_context)
register.filter("status_word", display.status_word)
register.simple_tag(display.when, name="when")


@register.filter
def control(field: BoundField) -> SafeString:
    """A field's input. A placeholder that repeats the label says nothing, and vanishes when one writes."""
    return field.as_widget(attrs={"placeholder": False})
