"""Leases and acceptance of orders."""

from typing import Any

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.api import authentication
from integrations.models import Connection
from integrations.outbox.models import Delivery
from orders import queries
from orders.models import Order, OrderEvent
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db
LEASE = "/api/vendor/v1/orders/lease"


def leased(engine: APIClient, **body: Any) -> list[str]:
    answer = engine.post(LEASE, body)
    assert answer.status_code == 200
    return [order["id"] for order in answer.json()["orders"]]


def accept(engine: APIClient, order: Order, **body: Any) -> Any:
    return engine.post(f"/api/vendor/v1/orders/{order.pk}/accept", body)


def test_oldest_orders_are_leased_and_no_one_twice(engine: APIClient, order: Order, connection: Connection) -> None:
    second, third = bodies.place_order(connection), bodies.place_order(connection)
    assert leased(engine, max=2) == [order.pk, second.pk]
    assert leased(engine) == [third.pk]
    assert leased(engine) == []


def test_lease_that_nobody_is_told_of_is_none(engine: APIClient, order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queries, "for_engine", lambda: (_ for _ in ()).throw(OperationalError))
        assert engine.post(LEASE, {}).status_code == 503
    assert leased(engine) == [order.pk]


def test_lease_is_the_whole_order_with_its_end(engine: APIClient, order: Order) -> None:
    answer = engine.post(LEASE, {"seconds": 600}).json()["orders"]
    assert answer == [engine.get(f"/api/vendor/v1/orders/{order.pk}").json()]
    assert answer[0]["lease_expires_at"] is not None
    assert answer[0]["accepted_at"] is None


def test_lease_without_a_body_takes_the_defaults(engine: APIClient, order: Order) -> None:
    answer = engine.generic("POST", LEASE)
    assert [each["id"] for each in answer.json()["orders"]] == [order.pk]


def test_lease_that_ran_out_is_given_again(engine: APIClient, order: Order) -> None:
    leased(engine, seconds=10)
    Order.objects.update(lease_expires_at=order.created_at)
    assert leased(engine) == [order.pk]


def test_only_what_waits_for_an_engine_is_leased(engine: APIClient, order: Order, connection: Connection) -> None:
    rows.make_package("by-hand", delivery="manual")
    bodies.place_order(connection, assessmentPackageId="by-hand")
    accepted, erased, final, begun = (bodies.place_order(connection) for _ in range(4))
    accept(engine, accepted)
    Order.objects.filter(pk=erased.pk).update(erased_at=erased.created_at)
    Order.objects.filter(pk=final.pk).update(status="EXPIRED")
    Order.objects.filter(pk=begun.pk).update(status="IN_PROGRESS")
    assert leased(engine) == [order.pk, begun.pk]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"max": 0}, "max"),
        ({"max": 101}, "max"),
        ({"max": "5"}, "max"),
        ({"max": 5.0}, "max"),
        ({"max": True}, "max"),
        ({"max": None}, "max"),
        ({"seconds": 9}, "seconds"),
        ({"seconds": 3601}, "seconds"),
        ({"limit": 5}, "limit"),
    ],
)
def test_wrong_lease_is_refused(engine: APIClient, order: Order, body: dict[str, Any], field: str) -> None:
    answer = engine.post(LEASE, body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_lease_takes_as_many_queries_for_three_as_for_one(
    engine: APIClient, order: Order, connection: Connection
) -> None:
    leased(engine)
    counts = []
    for number in (1, 3):
        for _ in range(number):
            bodies.place_order(connection)
        authentication._token_cache.clear()  # else the token's query is there or not, as half a second passed or not
        with CaptureQueriesContext(database) as queries:
            engine.post(LEASE, {})
        counts.append(len(queries))
    assert counts == [9, 9]


def test_accepting_needs_no_lease_and_ends_one(engine: APIClient, order: Order) -> None:
    leased(engine)
    before = Delivery.objects.count()
    answer = accept(engine, order, launch_url="https://engine.example/take/1#start")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["launch_url"], body["lease_expires_at"]) == ("https://engine.example/take/1#start", None)
    assert (body["accepted_at"] is None, body["status"], Delivery.objects.count()) == (False, "PENDING", before)


def test_accepting_again_changes_nothing_but_the_way(engine: APIClient, order: Order) -> None:
    first = accept(engine, order, launch_url="https://engine.example/1").json()
    assert accept(engine, order, launch_url="https://engine.example/1").json() == first
    assert accept(engine, order).json() == first
    other = accept(engine, order, launch_url="https://engine.example/2").json()
    assert (other["launch_url"], other["accepted_at"]) == ("https://engine.example/2", first["accepted_at"])
    found = OrderEvent.objects.filter(hop="engine").order_by("pk").values_list("what", flat=True)
    assert list(found) == ["Accepted", "Launch URL changed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"launch_url": None}, "launch_url"),
        ({"launch_url": ""}, "launch_url"),
        ({"launch_url": 1}, "launch_url"),
        ({"launch_url": "javascript:alert(1)"}, "launch_url"),
        ({"launch_url": "https://u:p@engine.example/"}, "launch_url"),
        ({"launch_url": "https://10.0.0.1/"}, "launch_url"),
        ({"url": "https://engine.example/"}, "url"),
    ],
)
def test_wrong_acceptance_is_refused(engine: APIClient, order: Order, body: dict[str, Any], field: str) -> None:
    answer = accept(engine, order, **body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
    assert Order.objects.get().accepted_at is None
