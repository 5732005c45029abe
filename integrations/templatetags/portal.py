"""`{% load portal %}`: how a status, a time and a form field look on every page."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from integrations.staff import display

register = template.Library()
register.inclusion_tag("partials/chip.html", name="status_badge")(display.status_badge)
register.filter("status_label", display.status_label)
register.simple_tag(display.relative_time)


@register.filter
def render_widget(field: BoundField) -> SafeString:
    """A field's input. A placeholder that repeats the label says nothing, and vanishes when one writes."""
    return field.as_widget(attrs={"placeholder": False})
