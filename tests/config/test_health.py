"""What is said while the database can only be read, as PostgreSQL's copies are until a failover is complete."""

import psycopg
import pytest
from django.db import InternalError, connection
from django.test import Client as Browser
from rest_framework.test import APIClient

from orders import queries

pytestmark = pytest.mark.django_db


def test_readiness_is_over_where_the_database_can_only_be_read(client: Browser) -> None:
    is_copy = connection.vendor == "postgresql"
    if is_copy:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
    answer = client.get("/readyz")
    said = {"status": "unavailable", "reason": "the database can only be read: it is a copy, or was set so"}
    assert (answer.status_code, answer.json()) == ((503, said) if is_copy else (200, {"status": "ok", "degraded": []}))


def failing(*_: object, **__: object) -> None:
    raise InternalError from psycopg.errors.ReadOnlySqlTransaction()


def test_database_that_can_only_be_read_is_503_for_programs(engine: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "for_engine", failing)
    answer = engine.get("/api/vendor/v1/orders")
    assert (answer.status_code, answer["Content-Type"], answer.json()["errors"][0]["code"]) == (
        503,
        "application/problem+json",
        "busy",
    )


def test_database_that_can_only_be_read_is_503_for_people(desk: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.dashboard.overview", failing)
    answer = desk.get("/admin/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
