"""Prometheus metrics at `/metrics`."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import transaction
from django.test import Client as Browser
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from integrations.models import Connection
from integrations.outbox import clock, deliveries
from integrations.outbox.models import Delivery, DeliveryState, Heartbeat
from orders import results
from orders.models import Order
from tests import rows
from tests.e2e.world import World, wait_for
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
    for _ in range(2):
        bodies.place_order(connection)
    Delivery.objects.filter(kind="job").update(state=DeliveryState.FAILED)
    Delivery.objects.filter(kind="candidate").update(due_at=clock.now() - timedelta(seconds=90))
    Delivery.objects.filter(kind="invitation").update(due_at=clock.now() + timedelta(days=1))
    Heartbeat.objects.create(worker="dispatch@here", at=clock.now() - timedelta(seconds=7))
    answer = scrape()
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/plain")
    figures = lines(answer)
    assert figures[figures.index('portal_stuck_deliveries{kind="job",state="failed"} 2.0') :] == [
        'portal_stuck_deliveries{kind="job",state="failed"} 2.0',
        "portal_oldest_due_delivery_age_seconds 90.0",
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
    with django_assert_num_queries(5):
        assert scrape().status_code == 200


COUNTED = {
    ("portal_orders_total", (("kind", "order"),)): 1,
    ("portal_orders_total", (("kind", "inline"),)): 0,
    ("portal_deliveries_created_total", (("kind", "candidate"),)): 1,
    ("portal_deliveries_created_total", (("kind", "result"),)): 1,
    ("portal_reports_total", (("status", "COMPLETED"),)): 1,
    ("portal_deliveries_finished_total", (("state", "superseded"),)): 3,
    ("portal_request_seconds_count", (("method", "POST"), ("status", "202"), ("view", "orders"))): 2,
}


def read_counts() -> dict[Any, float]:
    return {(name, labels): REGISTRY.get_sample_value(name, dict(labels)) or 0 for name, labels in COUNTED}


def test_what_happens_is_counted_once(
    smartrecruiters: APIClient, connection: Connection, django_capture_on_commit_callbacks: Any
) -> None:
    rows.make_package()
    before = read_counts()
    with django_capture_on_commit_callbacks(execute=True):
        body = bodies.order_body()
        for _ in range(2):  # the second is a repeat
            assert smartrecruiters.post(bodies.ORDERS, body).status_code == 202
        results.report(Order.objects.get().pk, {"status": "COMPLETED"}, by="engine")
        deliveries.cancel_unsent(Delivery.objects.exclude(kind__in=("result", "invitation")), "not wanted")
    assert {key: value - before[key] for key, value in read_counts().items()} == COUNTED


def test_what_is_rolled_back_is_not_counted(connection: Connection, django_capture_on_commit_callbacks: Any) -> None:
    rows.make_package()
    before = read_counts()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        bodies.place_order(connection)
        transaction.set_rollback(True)
    assert read_counts() == before


@pytest.mark.e2e
def test_counts_of_all_processes_are_one_scrape(tmp_path: Path) -> None:
    with World(tmp_path, METRICS_TOKEN=TOKEN) as world:
        world.connect_company("northwind")
        [placed] = world.control.place_orders("northwind", world.package_ids("SKILL_TEST")[0], count=1)
        wait_for("the result", lambda: world.control.get_order(placed["order_id"])["status"] == "COMPLETED")

        def scrape_counts() -> dict[str, str]:
            page = requests.get(f"{world.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).text
            return dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))

        def has_all() -> bool:
            counts = scrape_counts()
            return (
                counts.get('portal_orders_total{kind="order"}') == "1.0"
                and float(counts.get('portal_attempts_total{kind="result",outcome="delivered"}', 0)) >= 1
                and float(counts.get("portal_result_delay_seconds_count", 0)) >= 1
            )

        wait_for("the counts of web server and couriers", has_all, 15)
