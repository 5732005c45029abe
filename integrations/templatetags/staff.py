"""Template filters for admin pages (`{% load staff %}`)."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def format_json(value: Any) -> str:
    """Format as indented JSON. Text stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def replace_underscores(name: str) -> str:
    return name.replace("_", " ")
