"""Parallel requests from many threads with their own connections, on SQLite and PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from assessments.models import Package
from integrations.models import Connection
from integrations.outbox.models import Delivery, Stream
from orders import leases
from orders.models import Attachment, Order, OrderEvent, Resource
from tests import rows
from tests.orders import bodies

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.4\n%%EOF\n"
MANY = 20  # each waits for the ones before it, up to the lock timeout of 4 s


def at_once(act: Callable[[int], Any], times: int = MANY) -> list[Any]:
    """Run `act(0)`, `act(1)`, … in parallel, and return their results."""
    gate = threading.Barrier(times)

    def one(number: int) -> Any:
        try:
            gate.wait(timeout=20)
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def test_same_order_from_all_sides_is_one_order(
    api: Callable[[str], APIClient], token: str, package: Package, connection: Connection
) -> None:
    body = bodies.order_body()
    answers = at_once(lambda _: api(token).post(bodies.ORDERS, body))
    assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"{}")}
    rows_made = [model.objects.count() for model in (Order, OrderEvent, Resource, Delivery, Stream)]
    assert rows_made == [1, 1, 3, 4, 2]


def test_same_inline_order_from_all_sides_has_one_link(
    api: Callable[[str], APIClient], token: str, package: Package
) -> None:
    body = bodies.order_body(**bodies.INLINE)
    answers = at_once(lambda _: api(token).post(bodies.INLINE_ORDERS, body))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}


def test_one_of_two_contents_wins(api: Callable[[str], APIClient], token: str, package: Package) -> None:
    both = [bodies.order_body(order_id="order-1", job={"id": f"job-{number}"}) for number in range(2)]
    answers = at_once(lambda number: api(token).post(bodies.ORDERS, both[number % 2]).status_code, 20)
    assert Counter(answers) == {202: 10, 409: 10}


def test_one_of_two_companies_wins(
    api: Callable[[str], APIClient], connection: Connection, other_connection: Connection, package: Package
) -> None:
    tokens = [rows.make_token(each) for each in (connection, other_connection)]
    both = [bodies.order_body(order_id="order-1", companyId=each) for each in ("northwind", "harbour-clinics")]
    answers = at_once(lambda number: api(tokens[number % 2]).post(bodies.ORDERS, both[number % 2]).status_code, 20)
    assert Counter(answers) == {202: 10, 409: 10}
    assert Order.objects.count() == 1


def test_no_order_is_leased_to_two(api: Callable[[str], APIClient], package: Package, connection: Connection) -> None:
    made = {bodies.place_order(connection).pk for _ in range(30)}
    engine_token = rows.make_token()
    answers = at_once(lambda _: api(engine_token).post("/api/vendor/v1/orders/lease", {"max": 4}).json(), 16)
    leased = [order["id"] for answer in answers for order in answer["orders"]]
    assert (len(leased), set(leased)) == (30, made)


def test_thousand_leases_hand_out_each_order_once(order: Order) -> None:
    client, _ = rows.make_client()
    made = [copy_of(order, number) for number in range(999)]
    Order.objects.bulk_create(made)

    def some(_: int) -> list[str]:
        return [order_id for _ in range(1000 // MANY) for order_id in leases.lease_orders(client, max=1)]

    leased = [order_id for found in at_once(some) for order_id in found]
    # Beside others a lease may find less than there is, since it waits for no row; the next one finds the rest.
    leased += leases.lease_orders(client, max=1000)
    assert Counter(leased) == Counter([order.pk, *(each.pk for each in made)])


def copy_of(order: Order, number: int) -> Order:
    found = copy(order)
    found.pk, found.smartrecruiters_order_id, found.link_token_hash = f"ord_{number}", f"sr-{number}", str(number)
    return found


def test_same_result_from_all_sides_is_one_delivery(
    api: Callable[[str], APIClient], order: Order, engine_token: str
) -> None:
    body = {"status": "COMPLETED", "assessment_results": [{"assessment_id": "logic", "name": "Logic"}]}
    answers = at_once(lambda _: api(engine_token).patch(f"/api/vendor/v1/orders/{order.pk}/result", body).status_code)
    assert Counter(answers) == {200: MANY}
    assert Delivery.objects.filter(kind="result").count() == 1
    assert OrderEvent.objects.filter(what="Reported as completed").count() == 1


def test_one_of_two_final_results_wins(api: Callable[[str], APIClient], order: Order, engine_token: str) -> None:
    finals = ["COMPLETED", "REJECTED"]
    answers = at_once(
        lambda number: (
            api(engine_token)
            .patch(f"/api/vendor/v1/orders/{order.pk}/result", {"status": finals[number % 2]})
            .status_code
        ),
        20,
    )
    assert Counter(answers) == {200: 10, 409: 10}
    assert Delivery.objects.filter(kind="result").count() == 1


def test_same_file_from_all_sides_is_one_attachment(
    api: Callable[[str], APIClient], order: Order, engine_token: str, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path

    def upload(_: int) -> int:
        file = BytesIO(PDF)
        file.name = "report.pdf"
        address = f"/api/vendor/v1/orders/{order.pk}/attachments"
        status: int = api(engine_token).post(address, {"file": file}, format="multipart").status_code
        return status

    assert Counter(at_once(upload, 16)) == {201: 1, 200: 15}
    assert (Attachment.objects.count(), len(list(tmp_path.iterdir()))) == (1, 1)


def test_candidate_who_clicks_twice_goes_once(client: Any, order: Order) -> None:
    Order.objects.update(launch_url="https://engine.example/1")
    answers = at_once(lambda _: type(client)().post(f"/take/{order.link_token}").status_code, 8)
    assert Counter(answers) == {303: 8}
    assert OrderEvent.objects.filter(hop="candidate").count() == 2
    assert Delivery.objects.filter(kind="result").count() == 1
