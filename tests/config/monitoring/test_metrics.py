"""Prometheus metrics at `/metrics`."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from integrations.models import Connection
from integrations.outbox import clock
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat
from orders.models import Order
from tests import rows
from tests.orders import bodies

TOKEN = "scrape-me"


@pytest.fixture
def on(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def scrape(token: str = TOKEN) -> Any:
    return Browser().get("/metrics", HTTP_AUTHORIZATION=f"Bearer {token}")


def lines(answer: Any) -> list[str]:
    return [line for line in answer.content.decode().splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}", "Bearer wrong"])
def test_metrics_are_off_without_a_token_in_the_settings(db: None, header: str) -> None:
    assert Browser().get("/metrics", HTTP_AUTHORIZATION=header).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Bearer é", f"Basic {TOKEN}", TOKEN])
def test_metrics_are_refused_without_the_token(on: None, db: None, header: str) -> None:
    answer = Browser().get("/metrics", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert Browser().get(f"/metrics?token={TOKEN}").status_code == 401


def test_metrics_say_how_it_stands(on: None, connection: Connection, time_machine: Any) -> None:
    time_machine.move_to("2026-11-24T10:00:00Z", tick=False)
    rows.make_package()
    bodies.place_order(connection)
    Order.objects.filter(pk=bodies.place_order(connection).pk).update(status="COMPLETED")
    Delivery.objects.filter(kind="job").update(state=DeliveryState.FAILED)
    Delivery.objects.filter(kind="candidate").update(due_at=clock.now() - timedelta(seconds=90))
    Delivery.objects.filter(kind="invitation").update(due_at=clock.now() + timedelta(days=1))
    Heartbeat.objects.create(worker="dispatch@here", at=clock.now() - timedelta(seconds=7))
    answer = scrape()
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/plain")
    assert lines(answer) == [
        'portal_deliveries{kind="candidate",state="pending"} 2.0',
        'portal_deliveries{kind="hiring_team",state="pending"} 2.0',
        'portal_deliveries{kind="invitation",state="pending"} 2.0',
        'portal_deliveries{kind="job",state="failed"} 2.0',
        "portal_oldest_due_delivery_age_seconds 90.0",
        'portal_orders{status="PENDING"} 1.0',
        'portal_orders{status="IN_PROGRESS"} 0.0',
        'portal_orders{status="COMPLETED"} 1.0',
        'portal_orders{status="REJECTED"} 0.0',
        'portal_orders{status="EXPIRED"} 0.0',
        'portal_connections{state="approved"} 0.0',
        'portal_connections{state="exchanging"} 0.0',
        'portal_connections{state="live"} 1.0',
        'portal_connections{state="refused"} 0.0',
        'portal_connections{state="needs_reconnect"} 0.0',
        'portal_connections{state="disabled"} 0.0',
        'portal_worker_heartbeat_age_seconds{worker="dispatch@here"} 7.0',
    ]


def test_metrics_ask_the_database_as_often_whatever_there_is(
    on: None, connection: Connection, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows.make_package()
    for _ in range(3):
        bodies.place_order(connection)
    with django_assert_num_queries(6):
        assert scrape().status_code == 200
