"""`{% load staff %}`: what only admin's pages show."""

import json
from typing import Any

from django import template

register = template.Library()


@register.filter
def format_json(value: Any) -> str:
    """JSON as people read it; a text stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def replace_underscores(name: str) -> str:
    """`hiring_team` as `hiring team`."""
    return name.replace("_", " ")
