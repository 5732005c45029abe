"""Template filters for admin pages (`{% load staff %}`)."""

import json
from typing import Any

from django import template

from integrations.outbox.handlers import get_handler_of_kind

register = template.Library()


@register.filter
def format_json(value: Any) -> str:
    """Format as indented JSON. Text stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def describe_path(path: str) -> str:
    """Describe the API's path to a field in words: `rules.0.customer` is `rule 1, customer`."""
    words: list[str] = []
    for name in path.split("."):
        if name.isdecimal() and words:
            words[-1] = f"{words[-1].removesuffix('s')} {int(name) + 1}"
        else:
            words.append(name.replace("_", " "))
    return ", ".join(words)


@register.filter
def kind_label(kind: str) -> str:
    return get_handler_of_kind(kind).label
