"""Health checks and error pages with a read-only database, such as a PostgreSQL replica, and with a missing key."""

from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.db import InternalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from rest_framework.test import APIClient

from config.monitoring import health
from integrations.database import requirements
from integrations.encryption import DecryptionError
from integrations.models import PartnerConfiguration, User
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState
from orders import queries

pytestmark = pytest.mark.django_db


def test_readiness_is_over_where_the_database_can_only_be_read(client: Browser) -> None:
    is_copy = connection.vendor == "postgresql"
    if is_copy:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
    answer = client.get("/readyz")
    said = {"status": "unavailable", "reason": "the database is read-only: it is a replica, or was configured so"}
    assert (answer.status_code, answer.json()) == ((503, said) if is_copy else (200, {"status": "ok", "degraded": []}))


def test_readiness_is_over_where_the_database_cannot_store_every_name(
    client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "REQUIRED_ENCODING", "KOI8R")
    answer = client.get("/readyz")
    if connection.vendor != "postgresql":
        assert answer.json() == {"status": "ok", "degraded": []}
        return
    name = connection.settings_dict["NAME"]
    said = (
        f'The database "{name}" has the encoding UTF8, which cannot store every name: '
        "create one with ENCODING 'UTF8' TEMPLATE template0"
    )
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "reason": said})


@pytest.mark.parametrize(
    ("name", "value", "actual"), [("lock_timeout", "3s", "4s"), ("statement_timeout", "9s", "10s")]
)
def test_limits_that_a_pooler_ignores_are_a_degradation(
    client: Browser, settings: Any, name: str, value: str, actual: str
) -> None:
    settings.DATABASE_LIMITS = {**settings.DATABASE_LIMITS, name: value}
    said = (
        f"The pooler in front of the database ignores startup options ({name} is {actual}, not {value}): "
        "write DATABASE_URL=…?pool_mode=transaction"
    )
    degraded = [said] if connection.vendor == "postgresql" else []
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["degraded"]) == (200, degraded)


def unreadable(*_: object, **__: object) -> None:
    raise DecryptionError("no key opens own_secret")


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


def test_database_that_can_only_be_read_is_503_for_people(
    staff_browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.admin.overview.build_overview", failing)
    answer = staff_browser.get("/admin/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")


def test_missing_key_is_told_to_staff_on_their_first_page_and_where_it_is_needed(
    staff_browser: Browser, staff: User, settings: Any
) -> None:
    row = PartnerConfiguration.load()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    staff_browser.force_login(staff)  # sessions are sealed, too
    said = "no key in ENCRYPTION_KEYS decrypts the secret of integrations.partnerconfiguration:1:disable_key_sealed"
    assert said in staff_browser.get("/readyz").json()["reason"]
    first = staff_browser.get("/admin/")
    assert (first.status_code, f"An encryption key is missing: {said}" in first.content.decode()) == (200, True)
    answer = staff_browser.get(f"/admin/integrations/partnerconfiguration/{row.pk}/change/")
    page = answer.content.decode()
    assert (answer.status_code, said in page, "Set ENCRYPTION_KEYS and restart" in page) == (503, True, True)


def test_missing_key_is_no_matter_of_customers(client: Browser, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(alice)
    monkeypatch.setattr("integrations.connections.views.home.render", unreadable)
    answer = client.get("/")
    page = answer.content.decode()
    assert (answer.status_code, "An encryption key is missing" in page, "own_secret" in page) == (503, True, False)


def test_readiness_is_checked_once_a_second_whoever_asks(
    client: Browser, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(health, "KEPT_SECONDS", 3600.0)
    monkeypatch.setattr(health, "_last", None)
    first = client.get("/readyz")
    monkeypatch.setattr(requirements, "find_wrong_encoding", failing)
    with django_assert_num_queries(0):
        answers = [client.get("/readyz") for _ in range(5)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, first.json())] * 5
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    assert client.get("/readyz").status_code == 503


def test_readiness_needs_every_migration(client: Browser) -> None:
    assert client.get("/readyz").status_code == 200
    latest = MigrationRecorder(connection).migration_qs.filter(app="integrations").order_by("-name")[0]
    latest.delete()
    answer = client.get("/readyz")
    reason = "migrations are missing: run manage.py migrate"
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable", "reason": reason})


def test_readiness_tells_strangers_no_number(client: Browser) -> None:
    for key in ("a", "b"):
        delivery = deliveries.enqueue("result", stream="connection:1", key=key, payload={})
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED)
    assert client.get("/readyz").json()["degraded"] == ["deliveries failed: see the overview in admin"]
