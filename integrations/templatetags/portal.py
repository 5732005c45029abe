"""How a status and a time look, the same on every page."""

from datetime import datetime

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext

register = template.Library()

CHIPS: dict[str, tuple[str, str, str]] = {
    # a result
    "PENDING": ("Pending", "hollow", "plain"),
    "IN_PROGRESS": ("In progress", "half", "busy"),
    "COMPLETED": ("Completed", "filled", "good"),
    "REJECTED": ("Rejected", "crossed", "bad"),
    "EXPIRED": ("Expired", "dashed", "plain"),
    # a connection, or a try to connect
    "approved": ("Approved", "hollow", "busy"),
    "exchanging": ("Connecting", "half", "busy"),
    "live": ("Connected", "filled", "good"),
    "refused": ("Refused", "crossed", "bad"),
    "needs_reconnect": ("Connect again", "alert", "warn"),
    "disabled": ("Disconnected", "dashed", "plain"),
    # a delivery
    "none": ("No result yet", "dashed", "plain"),
    "pending": ("Waiting", "hollow", "plain"),
    "in_flight": ("On its way", "half", "busy"),
    "delivered": ("Delivered", "filled", "good"),
    "superseded": ("Superseded", "dashed", "plain"),
    "held": ("Held", "paused", "warn"),
    "unknown": ("Unknown", "alert", "warn"),
    "failed": ("Failed", "crossed", "bad"),
}


@register.inclusion_tag("partials/chip.html")
def chip(state: str | None) -> dict[str, str]:
    """A status as word, shape and colour: never colour alone."""
    word, shape, tone = CHIPS.get(state or "", ((state or "Not reported").replace("_", " ").lower(), "hollow", "plain"))
    return {"word": gettext(word), "shape": shape, "tone": tone}


@register.filter
def control(field: BoundField) -> SafeString:
    """A field's input. A placeholder that repeats the label says nothing, and vanishes when one writes."""
    return field.as_widget(attrs={"placeholder": False})


@register.filter
def status_word(state: str) -> str:
    """The chip's word alone."""
    return gettext(CHIPS[state][0]) if state in CHIPS else state


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """A time as people say it, with the exact instant on hover and for screen readers."""
    if moment is None:
        return "–"
    now = timezone.now()
    exact = f"{date_format(moment, 'j F Y, H:i:s')} UTC"
    if abs((now - moment).total_seconds()) < 60:
        said = gettext("just now") if moment <= now else gettext("in a moment")
    elif moment < now:
        said = gettext("%(span)s ago") % {"span": timesince(moment, now, depth=1)}
    else:
        said = gettext("in %(span)s") % {"span": timeuntil(moment, now, depth=1)}
    return format_html(
        '<time datetime="{}" title="{}">{}</time><span class="visually-hidden"> ({})</span>',
        moment.isoformat(),
        exact,
        said,
        exact,
    )
