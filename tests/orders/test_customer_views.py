"""The orders of an organisation, for its own people."""

from typing import Any

import pytest
from django.test import Client as Browser

from assessments.models import Package
from integrations.models import Connection, User
from orders.models import Order
from tests.orders.bodies import place

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_orders_of_a_stranger_lead_to_sign_in(client: Browser) -> None:
    assert client.get("/orders")["Location"] == "/accounts/login/?next=/orders"


def test_orders_show_candidate_package_and_status(client: Browser, alice: User, order: Order) -> None:
    client.force_login(alice)
    page = text(client.get("/orders"))
    assert "Ada Lovelace" in page
    assert order.package.name in page
    assert "Pending" in page


def test_orders_of_another_customer_are_not_shown(client: Browser, charlie: User, order: Order) -> None:
    client.force_login(charlie)
    page = text(client.get("/orders"))
    assert "Ada" not in page
    assert "No order has come in yet" in page


def test_orders_of_staff_are_in_admin(client: Browser, staff: User) -> None:
    client.force_login(staff)
    assert client.get("/orders")["Location"] == "/admin/orders/order/"


def test_orders_take_the_same_number_of_queries_for_one_and_three(
    client: Browser,
    alice: User,
    order: Order,
    connection: Connection,
    package: Package,
    django_assert_num_queries: Any,
) -> None:
    client.force_login(alice)
    client.get("/orders")
    with django_assert_num_queries(6):
        client.get("/orders")
    place(connection)
    place(connection)
    with django_assert_num_queries(6):
        client.get("/orders")
