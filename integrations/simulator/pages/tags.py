"""Template tags and filters."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@register.simple_tag
def status_chip(status: str | None) -> SafeString:
    """Render a status badge, which differs by text, shape and colour."""
    shape = (status or "none").lower().replace("_", "-")
    text = humanize_code(status) if status else "No result yet"
    return format_html('<span class="chip chip-{}">{}</span>', shape, text)


@register.simple_tag
def time_ago(at: float | None) -> SafeString | str:
    """Render the age of an event, with the exact time as tooltip."""
    if at is None:
        return ""
    exact = datetime.fromtimestamp(at, UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="milliseconds"),
        f"{exact:%d %b %Y %H:%M:%S} UTC",
        _format_age(time.time() - at),
    )


def _format_age(seconds: float) -> str:
    if seconds < 3:
        return "just now"
    unit, size = next((unit, size) for unit, size in _UNITS if seconds >= size)
    return f"{int(seconds // size)} {unit} ago"


@register.filter
def humanize_code(code: str | None) -> str:
    """Turn `SKILL_TEST` into "Skill test"."""
    return (code or "").replace("_", " ").capitalize()


@register.filter
def file_kind(code: str) -> str:
    """Turn `PDF_URL` into "PDF"."""
    return {"PDF_URL": "PDF", "VIDEO_URL": "Video"}.get(code, "File")


@register.filter
def score_text(score: dict[str, int]) -> str:
    return f"{score['raw']}/{score['max']}"


@register.filter
def score_percent(score: dict[str, int]) -> int:
    """Return (raw - min) / (max - min) in percent, rounded half up, as SmartRecruiters does."""
    span = score["max"] - score["min"]
    return (200 * (score["raw"] - score["min"]) + span) // (2 * span)


@register.filter
def as_text(value: Any) -> str:
    """Return strings unchanged and other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def get_item(mapping: dict[str, Any], key: str) -> Any:
    return mapping.get(key, "")


@register.filter
def format_duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
