from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from pytest_django.plugin import DjangoDbBlocker

from config import environment
from integrations.database.limits import choose_limits
from tests.database_server import make_database, server_url

__all__ = ["make_database", "server_url"]
ALIAS = "pooled"
LIMITS = choose_limits(is_worker=False)
Connect = Callable[..., Any]


@pytest.fixture
def connect(django_db_blocker: DjangoDbBlocker) -> Iterator[Connect]:
    """Register a URL as a database of Django's, with the portal's limits or others, and return its connection."""
    used = []

    def register(url: str, limits: dict[str, str] = LIMITS) -> Any:
        settings = environment.parse_database_url(url, limits)
        connections.settings[ALIAS] = {**connections.settings[DEFAULT_DB_ALIAS], "TIME_ZONE": None, **settings}
        used.append(connections[ALIAS])
        return used[-1]

    with django_db_blocker.unblock():
        yield register
        for connection in used:
            connection.close()
    if used:
        del connections[ALIAS], connections.settings[ALIAS]
