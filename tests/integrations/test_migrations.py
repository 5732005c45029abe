"""Data migrations, forwards and backwards, with rows of every kind."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from integrations import encryption
from integrations.models import FormerSecret

BEFORE, AFTER = ("integrations", "0003_customer_retention"), ("integrations", "0006_drop_the_one_customer")


def migrate(to: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([to])
    return MigrationExecutor(connection).loader.project_state([to]).apps


@pytest.fixture
def _latest(transactional_db: None) -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def people(apps: Any) -> list[tuple[Any, ...]]:
    columns = ("email", "customer", "may_connect", "is_staff", "is_superuser")
    return [*apps.get_model("integrations", "User").objects.order_by("email").values_list(*columns)]


@pytest.mark.usefixtures("_latest")
def test_memberships_and_roles_are_carried_over_and_back() -> None:
    apps = migrate(BEFORE)
    customer = apps.get_model("integrations", "Customer").objects.create(id="cus_1", name="Northwind")
    create = apps.get_model("integrations", "User").objects.create
    create(email="alice@northwind.example", customer=customer)
    create(email="bob@northwind.example", customer=customer, may_connect=False)
    create(email="dora@alone.example")
    create(email="stella@vendor.example", is_staff=True, is_superuser=True)
    create(email="vic@vendor.example", is_staff=True)
    connected = apps.get_model("integrations", "Connection").objects.create(company_id="northwind", customer=customer)
    consent = apps.get_model("integrations", "Consent").objects.create(company_id="northwind", mode="REDIRECT")
    apps.get_model("integrations", "ConnectAttempt").objects.create(
        connection=connected, consent=consent, client_id_sent="ours"
    )
    before = people(apps)

    apps = migrate(AFTER)
    memberships = apps.get_model("integrations", "Membership").objects
    assert [*memberships.values_list("person__email", "customer", "role").order_by("person__email")] == [
        ("alice@northwind.example", "cus_1", "administrator"),
        ("bob@northwind.example", "cus_1", "viewer"),
    ]
    assert [*apps.get_model("integrations", "User").objects.order_by("email").values_list("staff_role", flat=True)] == [
        *("", "", "", "administrator", "viewer")
    ]
    assert apps.get_model("integrations", "Consent").objects.get().customer_id == "cus_1"

    assert people(migrate(BEFORE)) == before


@pytest.mark.usefixtures("_latest")
def test_former_secrets_of_webhooks_are_carried_over(settings: Any) -> None:
    """One that has not expired goes on signing. One whose key is missing stops nothing."""
    lost_key, key = Fernet.generate_key().decode(), settings.ENCRYPTION_KEYS
    apps = migrate(("integrations", "0016_sessions"))
    client = apps.get_model("integrations", "Client").objects.create(
        client_id="engine", client_secret="", name="Engine"
    )
    until = timezone.now() + timedelta(hours=5)

    def create(name: str, expires_at: datetime | None, keys: list[str]) -> None:
        owner = f"integrations.webhook:{name}:former_secret_sealed"
        settings.ENCRYPTION_KEYS = keys
        sealed = encryption.seal(f"whsec_{name}", owner=owner) if expires_at else ""
        apps.get_model("integrations", "Webhook").objects.create(
            id=name, client=client, url="https://engine.example/", events=[], former_secret_sealed=sealed,
            former_secret_until=expires_at,
        )  # fmt: skip

    create("wh_rotated", until, key)
    create("wh_unrotated", None, key)
    create("wh_expired", timezone.now() - timedelta(hours=1), key)
    create("wh_lost", until, [lost_key])
    settings.ENCRYPTION_KEYS = key
    migrate(("integrations", "0017_former_secrets"))
    formers = [(f.webhook_id, f.secret, f.expires_at) for f in FormerSecret.objects.all()]
    assert formers == [("wh_rotated", "whsec_wh_rotated", until)]
