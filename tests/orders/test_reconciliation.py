from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import Connection
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState
from orders import attachments, merge_patch, reconciliation, results
from orders.models import Order, Reconciliation
from tests.orders import bodies

COLUMNS = ("reported", "confirmed", "waiting", "held", "unknown", "failed", "gap")
S = DeliveryState


def counts(row: Reconciliation) -> dict[str, int]:
    return {name: getattr(row, name) for name in COLUMNS if getattr(row, name)}


def arrived(order: Order) -> None:
    Delivery.objects.filter(key=merge_patch.result_key(order), state=S.PENDING).update(state=S.DELIVERED)


def test_order_without_a_report_is_not_counted(order: Order) -> None:
    assert counts(reconciliation.reconcile()) == {}


@pytest.mark.parametrize(
    ("state", "column"),
    [
        (S.PENDING, "waiting"),
        (S.IN_FLIGHT, "waiting"),
        (S.DELIVERED, "confirmed"),
        (S.HELD, "held"),
        (S.UNKNOWN, "unknown"),
        (S.FAILED, "failed"),
    ],
)
def test_reported_order_is_counted_by_what_became_of_it(order: Order, state: str, column: str) -> None:
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.filter(kind="result").update(state=state)
    assert counts(reconciliation.reconcile()) == {"reported": 1, column: 1}


def test_newer_report_counts_and_not_the_one_before(order: Order) -> None:
    results.report(order.pk, {"status": "IN_PROGRESS"}, by="engine")
    arrived(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    assert counts(reconciliation.reconcile()) == {"reported": 1, "waiting": 1}


def test_report_that_nothing_carries_is_a_gap(order: Order) -> None:
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.filter(kind="result").delete()
    row = reconciliation.reconcile()
    assert counts(row) == {"reported": 1, "gap": 1}
    assert row.gaps == {order.pk: "reported, but nothing is confirmed or on its way"}


@pytest.mark.parametrize("since", [None, timedelta(days=1)])
def test_report_after_the_confirmed_one_that_nothing_carries_is_a_gap(order: Order, since: timedelta | None) -> None:
    results.report(order.pk, {"status": "IN_PROGRESS"}, by="engine")
    arrived(order)
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    deliveries.cancel_by_key([merge_patch.result_key(order)], "a mistake")
    row = reconciliation.reconcile(since=since and timezone.now() - since)
    assert row.gaps == {order.pk: "what is confirmed or on its way is not the last report"}


def test_report_that_smartrecruiters_has_already_is_confirmed(order: Order) -> None:
    results.report(order.pk, {"status": "COMPLETED", "summary": "good"}, by="engine")
    arrived(order)
    results.enqueue_result(order)
    Delivery.objects.filter(state=S.PENDING, kind="result").update(state=S.SUPERSEDED)
    assert counts(reconciliation.reconcile()) == {"reported": 1, "confirmed": 1}


def test_key_that_was_cleared_is_no_gap(order: Order) -> None:
    results.report(order.pk, {"status": "COMPLETED", "summary": "good"}, by="engine")
    arrived(order)
    results.report(order.pk, {"summary": None}, by="engine", correction="no")
    arrived(order)
    assert counts(reconciliation.reconcile()) == {"reported": 1, "confirmed": 1}


def test_attachment_that_waits_for_a_status_is_no_gap(order: Order) -> None:
    results.report(order.pk, {"summary": "so far"}, by="engine")
    arrived(order)
    attachments.add_url(order.pk, "https://engine.example/r", type="OTHER_URL", by="engine")
    assert counts(reconciliation.reconcile()) == {"reported": 1, "confirmed": 1}


def test_erased_order_is_not_counted(order: Order) -> None:
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    Delivery.objects.filter(kind="result").delete()
    Order.objects.update(erased_at=timezone.now())
    assert counts(reconciliation.reconcile()) == {}


def test_orders_of_all_connections_take_as_many_queries_a_batch(
    order: Order, other_connection: Connection, django_assert_max_num_queries: Any
) -> None:
    for each in (order, *(bodies.place_order(other_connection, job=None) for _ in range(4))):
        results.report(each.pk, {"status": "COMPLETED"}, by="engine")
    Order.objects.update(updated_at=timezone.now() - timedelta(days=2))
    with django_assert_max_num_queries(6):
        row = reconciliation.reconcile_recent()
    assert counts(row) == {"reported": 5, "waiting": 5}


def test_row_is_kept_for_a_month(db: None) -> None:
    old = reconciliation.reconcile()
    Reconciliation.objects.update(at=timezone.now() - timedelta(days=31))
    new = reconciliation.reconcile()
    assert list(Reconciliation.objects.all()) == [new] != [old]


def test_command_says_what_is_where_and_fails_on_a_gap(order: Order, capsys: pytest.CaptureFixture[str]) -> None:
    results.report(order.pk, {"status": "COMPLETED"}, by="engine")
    call_command("reconcile")
    assert capsys.readouterr().out == ("reported 1, confirmed 0, waiting 1, held 0, unknown 0, failed 0, gap 0\n")
    Delivery.objects.filter(kind="result").delete()
    with pytest.raises(CommandError) as failure:
        call_command("reconcile")
    assert (failure.value.returncode, str(failure.value)) == (1, f"{order.pk}: {reconciliation.NOTHING_SENT}")
