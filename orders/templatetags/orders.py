"""Template tags for orders, `{% load orders %}`, for pages of apps that must not import `orders`."""

from collections.abc import Iterable

from django import template

from integrations.models import Connection
from orders import queries, scores

register = template.Library()
register.filter(scores.score_text)
register.filter(scores.score_percent)


@register.simple_tag
def connection_health(connections: Iterable[Connection]) -> dict[int, queries.ConnectionHealth]:
    return queries.load_connection_health(connections)


@register.filter
def get_item(found: dict[int, queries.ConnectionHealth], key: int) -> queries.ConnectionHealth:
    return found[key]


@register.filter
def as_list(connection: Connection) -> list[Connection]:
    """Return a list of one, for `connection_health`."""
    return [connection]
