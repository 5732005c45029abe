from collections.abc import Callable
from datetime import timedelta

import pytest

from assessments.models import Package
from integrations.models import Connection
from integrations.outbox import clock, courier
from integrations.outbox.models import Stream
from orders.models import Order
from tests import rows
from tests.orders import bodies


@pytest.fixture
def package(db: None) -> Package:
    return rows.make_package("skills", assessments=("logic", "typing"))


@pytest.fixture
def order(package: Package, connection: Connection) -> Order:
    """Place an ordinary order of Northwind for `package`."""
    return bodies.place_order(connection)


@pytest.fixture
def inline_order(package: Package, connection: Connection) -> Order:
    return bodies.place_order(connection, **bodies.INLINE)


@pytest.fixture
def run_courier(connection: Connection) -> Callable[[], None]:
    """Send the deliveries of Northwind that are due."""
    return lambda: courier.run(Stream.objects.get(name=connection.stream_name).pk)


@pytest.fixture
def advance_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the outbox's clock forward."""
    true_now, moved = clock.now, [timedelta(0)]
    monkeypatch.setattr(clock, "now", lambda: true_now() + moved[0])
    return lambda step: moved.append(moved.pop() + step)
