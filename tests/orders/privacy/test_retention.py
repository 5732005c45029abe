"""Retention policies of customers (S12 in tests/reliability/README.md)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client as Browser

from integrations.models import AuditEntry, Connection, Customer
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState
from orders import results
from orders.models import Order
from orders.privacy import erasure, erasure_log, retention
from orders.tasks import tidy
from tests.integrations.admin.test_admin import inlines
from tests.orders import bodies

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Any) -> None:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"


def keep_for(customer: Customer, days: int | None) -> None:
    Customer.objects.filter(pk=customer.pk).update(retention_days=days)


def ended(connection: Connection, *, days_ago: float, status: str = "COMPLETED") -> Order:
    """Place an order that was reported `days_ago` and has no unsent delivery."""
    order = bodies.place_order(connection)
    results.report(order.pk, {"status": status}, by="engine")
    Delivery.objects.filter(subject=order.pk).update(state=DeliveryState.DELIVERED)
    Order.objects.filter(pk=order.pk).update(updated_at=clock.now() - timedelta(days=days_ago))
    return order


def erased() -> set[str]:
    return set(Order.objects.exclude(erased_at=None).values_list("pk", flat=True))


@pytest.mark.parametrize("days", [None, 31])
def test_nobody_is_erased_before_the_days_are_over(
    package: Any, connection: Connection, customer: Customer, days: int | None
) -> None:
    ended(connection, days_ago=30)
    keep_for(customer, days)
    assert (retention.apply_policies(), erased()) == (0, set())


@pytest.mark.parametrize("status", ["COMPLETED", "REJECTED", "EXPIRED", "IN_PROGRESS"])
def test_order_is_erased_when_its_days_are_over(
    package: Any, connection: Connection, customer: Customer, status: str
) -> None:
    old, young = ended(connection, days_ago=30.1, status=status), ended(connection, days_ago=29.9, status=status)
    keep_for(customer, 30)
    assert (retention.apply_policies(), erased()) == (1, {old.pk})
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.candidate_email, old.status, young.candidate_email) == ("", status, "ada@lovelace.example")
    assert retention.apply_policies() == 0


def test_another_customers_order_of_the_same_candidate_stays(
    package: Any, connection: Connection, other_connection: Connection, customer: Customer
) -> None:
    mine = ended(connection, days_ago=40)
    ended(other_connection, days_ago=40)
    keep_for(customer, 30)
    assert (retention.apply_policies(), erased()) == (1, {mine.pk})


@pytest.mark.parametrize(
    ("state", "count"), [("pending", 0), ("in_flight", 0), ("held", 1), ("failed", 1), ("unknown", 1)]
)
def test_what_is_still_to_be_sent_goes_first(
    package: Any, connection: Connection, customer: Customer, state: str, count: int
) -> None:
    order = ended(connection, days_ago=40)
    Delivery.objects.filter(subject=order.pk, kind="result").update(state=state)
    keep_for(customer, 30)
    assert retention.apply_policies() == count


def test_run_is_counted_in_the_audit_and_each_order_noted(
    package: Any, connection: Connection, customer: Customer
) -> None:
    order = ended(connection, days_ago=40)
    ended(connection, days_ago=50)
    keep_for(customer, 30)
    tidy()
    entries = AuditEntry.objects.order_by("pk").values_list("action", "subject", "detail")
    assert [row for row in entries if row[0] == "retention.applied"] == [
        ("retention.applied", customer.pk, {"days": 30, "orders": 2})
    ]
    whose = erasure_log.make_pseudonym(order.pk)
    candidate = erasure_log.make_pseudonym(order.candidate_email)
    detail = {"orders": [order.pk], "files": 0, "why": "kept for 30 days", "candidate": candidate}
    assert AuditEntry.objects.get(subject=whose).detail == detail
    assert whose in erasure_log.load_last_erasures()


def test_restored_backup_is_erased_again(package: Any, connection: Connection, customer: Customer) -> None:
    order = ended(connection, days_ago=40)
    keep_for(customer, 30)
    retention.apply_policies()
    Order.objects.filter(pk=order.pk).update(erased_at=None, candidate_email="ada@lovelace.example")
    assert [each.orders for each in erasure.replay_log()] == [1]
    assert erased() == {order.pk}


def test_days_are_set_in_admin_and_audited(staff_browser: Browser, customer: Customer) -> None:
    url = f"/admin/integrations/customer/{quote(customer.pk)}/change/"
    form = {
        "name": customer.name,
        "is_active": "on",
        "language": "en",
        **inlines("connections", "claims", "memberships", "invitations"),
    }
    assert b"greater than or equal to 1" in staff_browser.post(url, form | {"retention_days": "0"}).content
    assert staff_browser.post(url, form | {"retention_days": "90"}).status_code == 302
    customer.refresh_from_db()
    assert customer.retention_days == 90
    entry = AuditEntry.objects.get(action="customer.changed")
    assert (entry.subject, entry.actor_name) == (customer.pk, "stella@vendor.example")
    assert entry.detail["changes"] == [{"changed": {"fields": ["Candidates are erased after"]}}]


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS", "REJECTED"])
def test_days_count_anew_from_a_correction(
    package: Any, connection: Connection, customer: Customer, status: str
) -> None:
    order = ended(connection, days_ago=30.1, status="EXPIRED")
    results.report(order.pk, {"status": status}, by="stella@vendor.example", correction="Asked for more time.")
    Delivery.objects.update(state=DeliveryState.DELIVERED)
    keep_for(customer, 30)
    assert (retention.apply_policies(), erased()) == (0, set())


def test_order_that_is_corrected_while_the_batch_runs_is_kept(
    package: Any, connection: Connection, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ended(connection, days_ago=32), ended(connection, days_ago=31)
    keep_for(customer, 30)
    erase = erasure.erase_single_order

    def erase_then_correct(order_id: str, **options: Any) -> Any:
        done = erase(order_id, **options)
        results.report(second.pk, {"status": "REJECTED"}, by="engine", correction="Mixed up.")
        return done

    monkeypatch.setattr(erasure, "erase_single_order", erase_then_correct)
    assert (retention.apply_policies(), erased()) == (1, {first.pk})
    assert Delivery.objects.filter(subject=second.pk, state=DeliveryState.PENDING).count() == 1
