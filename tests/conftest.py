"""Shared fixtures: Alice administers Northwind, Bob is a viewer there, Charlie at Harbour Clinics, Stella is staff."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import Client as Browser
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from config.monitoring import health
from integrations.accounts import sessions
from integrations.api import authentication, refusals
from integrations.audit import triggers
from integrations.models import Connection, Customer, User
from integrations.outbox import clock
from tests import rows
from tests.migrated_database import copy_migrated_database

if TYPE_CHECKING:
    from tests.everything import World

pytest_plugins = ["tests.needs", "tests.groups", "tests.browsers"]
Api = Callable[..., APIClient]


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    return django_db_keepdb or "TEST_DATABASE_URL" not in os.environ


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Begin with a migrated database, which pytest-django then keeps, where it is a file of SQLite."""
    if "TEST_DATABASE_URL" not in os.environ:
        copy_migrated_database(Path(database.settings_dict["TEST"]["NAME"]))


@pytest.fixture(autouse=True)
def _clear_process_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clear the token cache, which would hide a query or a disable, and the throttle of refused calls."""
    authentication._token_cache.clear()
    refusals.throttle.clear()
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    yield
    authentication._token_cache.clear()


@pytest.fixture(autouse=True, scope="session")
def _delete_rows_of_transactional_tests() -> Iterator[None]:
    """Let Django empty PostgreSQL's tables by DELETE, in milliseconds: TRUNCATE creates new files for each."""

    def delete_rows(self: DatabaseOperations, style: Any, tables: list[str], **_: Any) -> list[str]:
        # In any order: Django's foreign keys are checked at the commit.
        return ["; ".join(f"DELETE FROM {self.quote_name(table)}" for table in tables)]  # noqa: S608 (Django's names)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", delete_rows)
        yield


@pytest.fixture(autouse=True, scope="session")
def _force_login_is_a_sign_in() -> Iterator[None]:
    """Let `force_login` stand for a sign-in by password at this moment, so that grave actions need not ask again.

    Tests of re-authentication move the clock, or forget the proof (tests/reauthentication.py).
    """

    def record(request: Any, user: Any, **_: Any) -> None:
        if not get_authentication_records(request, user):
            record_authentication(request, user, "password")

    user_logged_in.connect(record)
    yield
    user_logged_in.disconnect(record)


@pytest.fixture(autouse=True)
def _skip_clock_sync() -> None:
    """Skip the clock's periodic sync, which would add a query and a small step."""
    if clock._synced_at is not None:
        clock._synced_at = clock.read_steady_clock()


@pytest.fixture
def time_machine(time_machine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Move the database server's clock along, too."""
    monkeypatch.setattr(clock, "read_steady_clock", time.time)
    monkeypatch.setattr(clock, "_offset", 0.0)
    monkeypatch.setattr(clock, "_synced_at", float("inf"))
    return time_machine


_triggers_dropped = False


@pytest.fixture(autouse=True)
def _audit_is_append_only(request: pytest.FixtureRequest, _django_db_marker: None) -> Iterator[None]:
    """Make the audit log append-only, as in production, except while a transactional test's rows are deleted."""
    global _triggers_dropped
    marker = request.node.get_closest_marker("django_db")
    if marker is None and not {"db", "transactional_db"} & set(request.fixturenames):
        yield
        return
    request.getfixturevalue("_django_db_helper")
    if _triggers_dropped:
        triggers.create_triggers(database)
    yield
    if "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction")):
        triggers.drop_triggers(database)
        _triggers_dropped = True
        cache.clear()  # no model has its table, so no flush empties it; tests of an earlier day would be locked out


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator["World"]:
    """Create one row of everything, once per module. Tests must roll back their changes."""
    from tests.everything import World

    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.fixture
def customer(db: None) -> Customer:
    return rows.make_customer("Northwind Retail")


@pytest.fixture
def other_customer(db: None) -> Customer:
    return rows.make_customer("Harbour Clinics")


@pytest.fixture
def connection(customer: Customer) -> Connection:
    return rows.make_connection(customer, "northwind")


@pytest.fixture
def other_connection(other_customer: Customer) -> Connection:
    return rows.make_connection(other_customer, "harbour-clinics")


@pytest.fixture
def alice(customer: Customer) -> User:
    return rows.make_user(customer, "alice@northwind.example", name="Alice")


@pytest.fixture
def bob(customer: Customer) -> User:
    return rows.make_user(customer, "bob@northwind.example", name="Bob", role="viewer")


@pytest.fixture
def charlie(other_customer: Customer) -> User:
    return rows.make_user(other_customer, "charlie@harbour.example", name="Charlie")


@pytest.fixture
def staff(db: None) -> User:
    return rows.make_user(None, "stella@vendor.example", name="Stella")


@pytest.fixture
def staff_browser(staff: User) -> Browser:
    """Return Stella's browser, signed in. The session is marked as used, which its first page would do otherwise."""
    browser = Browser()
    browser.force_login(staff)
    session = browser.session
    session[sessions.STARTED_AT_KEY] = session[sessions.LAST_SEEN_KEY] = time.time()
    session.save()
    return browser


@pytest.fixture
def token(connection: Connection) -> str:
    """Return SmartRecruiters' token for `connection`."""
    return rows.make_token(connection)


@pytest.fixture
def other_token(other_connection: Connection) -> str:
    return rows.make_token(other_connection)


@pytest.fixture
def engine_token(db: None) -> str:
    return rows.make_token()


@pytest.fixture
def api() -> Api:
    """Return `api(token)`, which creates a client that sends JSON, with this bearer token if given."""

    def build_client(token: str | None = None) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.default_format = "json"
        if token is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return build_client


@pytest.fixture
def smartrecruiters(api: Api, token: str) -> APIClient:
    """Return a client that acts as SmartRecruiters for `connection`."""
    return api(token)


@pytest.fixture
def engine(api: Api, engine_token: str) -> APIClient:
    return api(engine_token)
