"""Template tags for orders, `{% load orders %}`, for pages of apps that must not import `orders`."""

from collections.abc import Iterable

from django import template

from integrations.models import Connection
from orders import queries, scores

register = template.Library()
register.filter(scores.score_text)
register.filter(scores.score_percent)


@register.filter
def with_health(connections: Iterable[Connection]) -> list[tuple[Connection, queries.ConnectionHealth]]:
    connections = list(connections)
    health_by_pk = queries.load_connection_health(connections)
    return [(connection, health_by_pk[connection.pk]) for connection in connections]


@register.filter
def connection_health(connection: Connection) -> queries.ConnectionHealth:
    return queries.load_connection_health([connection])[connection.pk]
