"""`{% load orders %}`: what pages below in the order of imports show of orders all the same."""

from collections.abc import Iterable

from django import template

from integrations.models import Connection
from orders import queries, scores

register = template.Library()
register.filter(scores.score_text)
register.filter(scores.score_percent)


@register.simple_tag
def health_of(connections: Iterable[Connection]) -> dict[int, queries.Health]:
    return queries.health_of(connections)


@register.filter
def at(found: dict[int, queries.Health], key: int) -> queries.Health:
    return found[key]


@register.filter
def only(connection: Connection) -> list[Connection]:
    """A list of one."""
    return [connection]
