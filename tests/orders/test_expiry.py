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


def correct(order: Order, status: str) -> None:
    results.report(order.pk, {"status": status}, by="stella@vendor.example", correction="Asked for more time.")


def reported() -> list[str]:
    """Return what the deliveries of results say, in their order."""
    return [each.payload["status"] for each in Delivery.objects.filter(kind="result").order_by("pk")]


@pytest.mark.parametrize("status", ["EXPIRED", "REJECTED", "COMPLETED", "IN_PROGRESS"])
def test_order_that_is_corrected_to_pending_gets_a_new_term(connection: Connection, status: str) -> None:
    order = old(connection, status)
    correct(order, "PENDING")
    assert (expiry.expire_due(), reported()) == (0, [status, "PENDING"])
    order.refresh_from_db()
    assert expiry.compute_expiry(order) == order.reopened_at + timedelta(days=14)
    Order.objects.update(reopened_at=timezone.now() - timedelta(days=14.1))
    assert (expiry.expire_due(), reported()) == (1, [status, "PENDING", "EXPIRED"])


def test_second_correction_starts_a_third_term(connection: Connection) -> None:
    order = old(connection, "EXPIRED", days=60)
    correct(order, "PENDING")
    Order.objects.update(reopened_at=timezone.now() - timedelta(days=20))
    assert expiry.expire_due() == 1
    correct(order, "PENDING")
    assert (expiry.expire_due(), reported()) == (0, ["EXPIRED", "PENDING", "EXPIRED", "PENDING"])


@pytest.mark.parametrize("status", ["IN_PROGRESS", "COMPLETED", "REJECTED"])
def test_correction_to_another_status_starts_no_term(connection: Connection, status: str) -> None:
    order = old(connection, "EXPIRED")
    correct(order, status)
    order.refresh_from_db()
    assert (order.reopened_at, expiry.expire_due(), order.status) == (None, 0, status)


def test_correction_of_a_summary_starts_no_term(connection: Connection) -> None:
    order = old(connection, "EXPIRED")
    results.report(order.pk, {"summary": "Ill."}, by="engine", correction="Known now.")
    order.refresh_from_db()
    assert order.reopened_at is None


def test_report_of_pending_without_need_of_a_correction_starts_no_term(connection: Connection) -> None:
    order = old(connection)
    correct(order, "PENDING")
    assert (expiry.expire_due(), reported()) == (1, ["PENDING", "EXPIRED"])


def test_run_that_found_the_order_before_its_correction_leaves_it(connection: Connection) -> None:
    order = old(connection, "EXPIRED")
    correct(order, "PENDING")
    assert expiry.expire_order(order.pk) is False


def test_batch_leaves_the_rest_to_the_next_run(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        old(connection)
    monkeypatch.setattr(queries, "BATCH_SIZE", 2)
    assert [expiry.expire_due() for _ in range(3)] == [2, 1, 0]
