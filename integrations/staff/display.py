"""How a status, a time and a count look: one source for template tags and admin's columns."""

from datetime import datetime

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


def status_badge(state: str | None) -> dict[str, str]:
    """A status as word, shape and colour: never colour alone."""
    word, shape, tone = STATUS_BADGES.get(
        state or "", ((state or "Not reported").replace("_", " ").lower(), "hollow", "plain")
    )
    return {"word": gettext(word), "shape": shape, "tone": tone}


def status_label(state: str) -> str:
    """The chip's word alone."""
    return gettext(STATUS_BADGES[state][0]) if state in STATUS_BADGES else state


def relative_time(moment: datetime | None) -> SafeString | str:
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


def render_status_badge(state: str, word: str = "") -> SafeString:
    """The chip of a state; `word` says it in other words."""
    look = status_badge(state)
    return render_to_string("partials/chip.html", look | ({"word": word} if word else {}))


def format_count(number: int, noun: str, plural: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def render_boolean_badge(is_on: bool, on: str, off: str) -> SafeString:
    """A chip for what is either so or not: an active customer, a retired package."""
    shape, tone = ("filled", "good") if is_on else ("dashed", "plain")
    return render_to_string("partials/chip.html", {"word": on if is_on else off, "shape": shape, "tone": tone})
