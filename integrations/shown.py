"""States and times as people see them, the same on every page: a chip has a word, a shape and a colour."""

from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Look:
    """`shape` names a drawing of templates/partials/chip.html, `tone` a colour of the style sheets."""

    word: str
    shape: str
    tone: str


LOOKS = {
    # an order, as SmartRecruiters has it
    "PENDING": Look("Pending", "hollow", "quiet"),
    "IN_PROGRESS": Look("In progress", "half", "busy"),
    "COMPLETED": Look("Completed", "filled", "good"),
    "REJECTED": Look("Rejected", "crossed", "bad"),
    "EXPIRED": Look("Expired", "dashed", "quiet"),
    # a delivery
    "none": Look("Nothing to send", "dashed", "quiet"),
    "pending": Look("Waiting", "hollow", "quiet"),
    "in_flight": Look("On its way", "half", "busy"),
    "delivered": Look("Delivered", "filled", "good"),
    "superseded": Look("Superseded", "dashed", "quiet"),
    "held": Look("Held", "paused", "warn"),
    "unknown": Look("Unknown", "question", "warn"),
    "failed": Look("Failed", "crossed", "bad"),
    # a connection
    "approved": Look("Approved", "hollow", "quiet"),
    "exchanging": Look("Connecting", "half", "busy"),
    "live": Look("Live", "filled", "good"),
    "refused": Look("Refused", "crossed", "bad"),
    "needs_reconnect": Look("Needs a reconnect", "alert", "warn"),
    "disabled": Look("Disconnected", "dashed", "quiet"),
    # a decision, a package, a client
    "approve": Look("Approved", "filled", "good"),
    "deny": Look("Denied", "crossed", "bad"),
    "undecided": Look("Not answered", "hollow", "quiet"),
    "offered": Look("Offered", "filled", "good"),
    "retired": Look("Retired", "dashed", "quiet"),
    "active": Look("Active", "filled", "good"),
    "inactive": Look("Switched off", "dashed", "quiet"),
    "revoked": Look("Revoked", "crossed", "quiet"),
}


def chip(state: str, word: str = "") -> SafeString:
    """The chip of a state; `word` replaces its usual one."""
    look = LOOKS.get(state) or Look(state.replace("_", " ").capitalize(), "hollow", "quiet")
    return render_to_string("partials/chip.html", {"look": look, "word": word or look.word})


UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def distance(moment: datetime, now: datetime | None = None) -> str:
    """`5 minutes ago`, `in 2 hours`, `just now`."""
    seconds = ((now or timezone.now()) - moment).total_seconds()
    size = next(((int(abs(seconds) // unit), name) for unit, name in UNITS if abs(seconds) >= unit), None)
    if size is None or abs(seconds) < 5:
        return "just now"
    count, name = size
    text = f"{count} {name}{'' if count == 1 else 's'}"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def exact(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def when(moment: datetime | None, never: str = "–") -> SafeString:
    """A relative time, with the exact instant on hover and for screen readers."""
    if moment is None:
        return format_html("{}", never)
    return format_html(
        '<time datetime="{}" title="{}">{}<span class="visually-hidden"> ({})</span></time>',
        moment.isoformat(),
        exact(moment),
        distance(moment),
        exact(moment),
    )
