"""Fixtures of a PostgreSQL server of which tests may change roles and databases."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import postgres

MakeDatabase = Callable[..., str]
DATABASE = "case_database"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Run a server; yield its superuser's URL."""
    with postgres.provide_database() as url:
        yield urlsplit(url)._replace(query="").geturl()


@pytest.fixture
def make_database(server_url: str) -> Iterator[MakeDatabase]:
    """Create the database and the role `case`, and yield the role's URL; both are dropped at the end.

    `options` follow CREATE DATABASE, `statements` are executed in the database.
    """

    def make(options: str = "", *statements: str, role: str = "case") -> str:
        made.append(role)
        with psycopg.connect(server_url, autocommit=True) as server:
            server.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'secret'")  # type: ignore[arg-type]
            server.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 {options}")  # type: ignore[arg-type]
        url = urlsplit(server_url)._replace(path=f"/{DATABASE}")
        with psycopg.connect(url.geturl(), autocommit=True) as database:
            for statement in statements:
                database.execute(statement)  # type: ignore[arg-type]
        return url._replace(netloc=f"{role}:secret@{url.hostname}:{url.port}").geturl()

    made: list[str] = []
    yield make
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")  # type: ignore[arg-type]
        for role in made:
            server.execute(f'DROP ROLE "{role}"')  # type: ignore[arg-type]
