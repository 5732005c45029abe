"""Expiry of orders that were not started in time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from assessments.models import Package
from integrations.models import Connection, Event
from integrations.outbox.models import Delivery
from orders import expiry, launch, queries, results, tasks
from orders.models import Order, OrderEvent
from tests.orders import bodies

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _days(package: Package) -> None:
    Package.objects.update(expires_after_days=14)


def old(connection: Connection, status: str = "", days: float = 15) -> Order:
    order = bodies.place_order(connection)
    if status:
        results.report(order.pk, {"status": status}, by="engine")
    Order.objects.filter(pk=order.pk).update(created_at=timezone.now() - timedelta(days=days))
    return order


@pytest.mark.parametrize("status", ["", "PENDING"])
def test_order_that_nobody_began_expires(connection: Connection, status: str) -> None:
    order = old(connection, status)
    tasks.expire()
    order.refresh_from_db()
    assert order.status == "EXPIRED"
    assert Delivery.objects.filter(kind="result").order_by("-pk")[0].payload == {"status": "EXPIRED"}
    last = OrderEvent.objects.order_by("-pk")[0]
    assert (last.what, last.by) == ("Reported as expired", "portal")
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == ["order.created", "order.expired"]
    assert expiry.expire_due() == 0


@pytest.mark.parametrize(("status", "days"), [("", 13.9), ("IN_PROGRESS", 15), ("COMPLETED", 15), ("REJECTED", 15)])
def test_order_that_is_young_begun_or_final_does_not(connection: Connection, status: str, days: float) -> None:
    order = old(connection, status, days)
    assert expiry.expire_due() == 0
    order.refresh_from_db()
    assert order.status == status


def test_erased_order_does_not(connection: Connection) -> None:
    old(connection)
    Order.objects.update(erased_at=timezone.now())
    assert expiry.expire_due() == 0


def test_package_without_days_never_expires(connection: Connection) -> None:
    old(connection, days=4000)
    Package.objects.update(expires_after_days=None)
    assert expiry.expire_due() == 0


def test_candidate_who_begins_a_moment_before_may_finish(connection: Connection) -> None:
    order = old(connection)
    launch.start_assessment(order.pk)
    assert expiry.expire_order(order.pk) is False
    Order.objects.update(status="", erased_at=timezone.now())
    assert expiry.expire_order(order.pk) is False


def test_batch_leaves_the_rest_to_the_next_run(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        old(connection)
    monkeypatch.setattr(queries, "BATCH_SIZE", 2)
    assert [expiry.expire_due() for _ in range(3)] == [2, 1, 0]
