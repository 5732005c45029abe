"""Display of statuses (badges), times and counts, for template tags and admin columns."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext

STATUS_BADGES: dict[str, tuple[str, str, str]] = {
    # a result
    "PENDING": ("Pending", "hollow", "plain"),
    "IN_PROGRESS": ("In progress", "half", "busy"),
    "COMPLETED": ("Completed", "filled", "good"),
    "REJECTED": ("Rejected", "crossed", "bad"),
    "EXPIRED": ("Expired", "dashed", "plain"),
    # a connection, or an attempt to connect
    "approved": ("Approved", "hollow", "busy"),
    "exchanging": ("Connecting", "half", "busy"),
    "live": ("Connected", "filled", "good"),
    "refused": ("Not connected", "crossed", "bad"),
    "needs_reconnect": ("Connect again", "alert", "warn"),
    "disabled": ("Disconnected", "dashed", "plain"),
    # a customer's claim on a company, or an incident
    "waiting": ("To be confirmed", "hollow", "busy"),
    "assigned": ("Assigned", "filled", "good"),
    "denied": ("Not confirmed", "crossed", "bad"),
    "open": ("Open", "alert", "warn"),
    "closed": ("Closed", "dashed", "plain"),
    # a delivery
    "none": ("No result yet", "dashed", "plain"),
    "erased": ("Erased", "dashed", "plain"),
    "pending": ("Waiting", "hollow", "plain"),
    "in_flight": ("On its way", "half", "busy"),
    "delivered": ("Delivered", "filled", "good"),
    "not_sent": ("Not sent", "dashed", "warn"),
    "no_access": ("No access", "dashed", "plain"),
    "superseded": ("Closed", "dashed", "plain"),  # superseded, cancelled or dismissed: the reason tells
    "held": ("On hold", "paused", "warn"),
    "unknown": ("Unknown", "alert", "warn"),
    "failed": ("Failed", "crossed", "bad"),
}


def status_badge(state: str | None) -> dict[str, str]:
    """Return the badge's word, shape and tone. Never show the tone alone: not everyone sees colours."""
    word, shape, tone = STATUS_BADGES.get(
        state or "", ((state or "Not reported").replace("_", " ").lower(), "hollow", "plain")
    )
    return {"word": gettext(word), "shape": shape, "tone": tone}


def status_label(state: str) -> str:
    return gettext(STATUS_BADGES[state][0]) if state in STATUS_BADGES else state


def relative_time(moment: datetime | None) -> SafeString | str:
    """Render a time relative to now, with the exact time on hover and for screen readers."""
    if moment is None:
        return "–"
    now = timezone.now()
    exact = f"{date_format(moment, 'j F Y, H:i:s')} UTC"
    if abs((now - moment).total_seconds()) < 60:
        text = gettext("just now") if moment <= now else gettext("in a moment")
    elif moment < now:
        text = gettext("%(span)s ago") % {"span": timesince(moment, now, depth=1)}
    else:
        text = gettext("in %(span)s") % {"span": timeuntil(moment, now, depth=1)}
    return format_html(
        '<time datetime="{0}" title="{1}">{2}</time><span class="visually-hidden"> ({1})</span>',
        moment.isoformat(),
        exact,
        text,
    )


def time_column(field: str, description: str) -> Callable[[Any, Any], SafeString | str]:
    """Return an admin column with the relative time in `field`, a lookup like `person__last_login`."""
    get_time = attrgetter(field.replace("__", "."))

    @admin.display(description=description, ordering=field)
    def render_column(_admin: Any, row: Any) -> SafeString | str:
        return relative_time(get_time(row))

    return render_column


def render_status_badge(state: str, word: str = "") -> SafeString:
    """Render the badge of a state, with another word if `word` is given."""
    badge = status_badge(state)
    return render_to_string("partials/chip.html", badge | ({"word": word} if word else {}))


def format_number(number: int) -> str:
    return f"{number:,}"


def format_count(number: int, noun: str, plural: str = "") -> str:
    return f"{format_number(number)} {noun if number == 1 else plural or noun + 's'}"


def render_boolean_badge(is_on: bool, on: str, off: str) -> SafeString:
    shape, tone = ("filled", "good") if is_on else ("dashed", "plain")
    return render_to_string("partials/chip.html", {"word": on if is_on else off, "shape": shape, "tone": tone})
