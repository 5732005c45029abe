"""Calendars, time zones and leap days change no time, delay or period (D60 in tests/reliability/README.md)."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.models import Connection
from integrations.outbox import clock, leases
from integrations.outbox.models import Delivery, Stream
from orders import expiry
from orders.models import Order
from orders.privacy import retention
from tests import rows
from tests.conftest import Api
from tests.orders import bodies

pytestmark = pytest.mark.django_db
MOMENTS = [
    datetime(2028, 2, 28, 23, 59, 58, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 59, 58, tzinfo=UTC),  # the clocks go forward in Berlin
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # and back: half past two comes twice
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
]


@pytest.fixture(params=["Europe/Berlin", "Pacific/Kiritimati"])
def _zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the machine's time zone, which must have no effect."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_instants_waits_and_terms_are_the_same_everywhere(
    connection: Connection, api: Api, time_machine: Any, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    time_machine.move_to(now, tick=False)
    monkeypatch.setattr(clock, "now", lambda: now)  # a server's clock is its own
    engine = api(rows.make_token())
    rows.make_package(expires_after_days=1)
    order = bodies.place_order(connection)
    Order.objects.filter(pk=order.pk).update(created_at=now)
    order.refresh_from_db()
    assert order.created_at == now
    assert expiry.compute_expiry(order) == now + timedelta(seconds=86400)
    shown = engine.get(f"/api/vendor/v1/orders/{order.pk}").json()
    assert shown["created_at"] == f"{now:%Y-%m-%dT%H:%M:%S.%f}Z"
    leased = engine.post("/api/vendor/v1/orders/lease", {"seconds": 3600}).json()["orders"][0]
    assert leased["lease_expires_at"] == f"{now + timedelta(seconds=3600):%Y-%m-%dT%H:%M:%S.%f}Z"
    date = now.astimezone().isoformat()
    report = {"status": "COMPLETED", "submission_date": date}
    wire = engine.post(f"/api/vendor/v1/orders/{order.pk}/result/preview", report).json()["wire"]
    assert wire["submissionDate"] == f"{now:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


@pytest.mark.usefixtures("_zone")
@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_lease_of_a_stream_and_retention_count_seconds(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    rows.make_package()
    order = bodies.place_order(connection)
    stream = Stream.objects.get(name=connection.stream_name)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert leases.acquire(stream.pk, 60) is not None
    stream.refresh_from_db()
    assert stream.lease_expires_at == now + timedelta(seconds=60)
    Order.objects.filter(pk=order.pk).update(updated_at=now)
    Delivery.objects.all().delete()
    for seconds, found in ((-1, []), (1, [order])):
        monkeypatch.setattr(clock, "now", lambda late=seconds: now + timedelta(days=366, seconds=late))
        assert list(retention.due_orders(connection.customer, 366)) == found
