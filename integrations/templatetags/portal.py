"""Template tags for all pages (`{% load portal %}`): status badge, relative time, form field."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

from integrations.staff import display
from integrations.text import isolate_direction

register = template.Library()
register.inclusion_tag("partials/chip.html", name="status_badge")(display.status_badge)
register.filter("status_label", display.status_label)
register.filter(isolate_direction)
register.simple_tag(display.relative_time)
register.filter("thousands", display.format_number)


@register.filter
def render_widget(field: BoundField) -> SafeString:
    """Render a field's input without allauth's placeholder, which only repeats the label."""
    return field.as_widget(attrs={"placeholder": False})
