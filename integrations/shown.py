"""States and times as admin's columns need them: the same chips and words as in the templates."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from integrations.templatetags.portal import chip as look_of
from integrations.templatetags.portal import when

__all__ = ["chip", "counted", "switch", "when"]


def chip(state: str, word: str = "") -> SafeString:
    """The chip of a state; `word` says it in other words."""
    look = look_of(state)
    return render_to_string("partials/chip.html", look | ({"word": word} if word else {}))


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def switch(is_on: bool, on: str, off: str) -> SafeString:
    """A chip for what is either so or not: an active customer, a retired package."""
    shape, tone = ("filled", "good") if is_on else ("dashed", "plain")
    return render_to_string("partials/chip.html", {"word": on if is_on else off, "shape": shape, "tone": tone})
