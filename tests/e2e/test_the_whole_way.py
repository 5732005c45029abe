"""From consent to a result in SmartRecruiters, by API, through all processes."""

import os
import shutil
import signal
from itertools import cycle, islice

import pytest
import requests

from tests import postgres
from tests.e2e.world import World, redis_server, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_hundred_orders_over_all_six_types_leave_no_breach(world: World) -> None:
    world.connect_company("hundred-orders")
    placed = []
    inline = set(world.package_ids("INLINE_ASSESSMENT"))
    for package in islice(cycle(world.package_ids()), 20):
        placed += world.control.place_orders("hundred-orders", package, count=5, inline=package in inline)
    assert [order["accepted"] for order in placed] == [True] * 100
    wait_for("100 results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"}, 150)
    results = [world.control.get_order(order["order_id"])["result"] for order in placed]
    assert {tuple(result["score"].items()) for result in results} == {(("raw", 28), ("min", 20), ("max", 80))}
    for result in results:
        report = requests.get(result["attachments"][0]["url"], timeout=10)
        assert (report.status_code, report.content[:5]) == (200, b"%PDF-")
    assert world.control.list_breaches() == []
    completions = [
        event["order_id"]
        for event in world.control.iterate_events(kinds="result")
        if event["status_before"] != event["status_after"] == "COMPLETED"
    ]
    order_ids = {order["order_id"] for order in placed}
    assert len([order for order in completions if order in order_ids]) == 100, "one completion per order"


def test_order_is_answered_at_once_while_smartrecruiters_and_the_broker_hang(world: World) -> None:
    world.connect_company("all-hang")
    package = world.package_ids("SKILL_TEST")[0]
    broker = world.find_pid("valkey-server")
    for route in ("token", "result", "candidate", "job", "hiring_team"):
        world.control.set_fault("hang", route=route, company="all-hang")
    os.kill(broker, signal.SIGSTOP)
    try:
        placed = world.control.place_orders("all-hang", package, count=8)
        assert [order["status_code"] for order in placed] == [202] * 8
        assert max(order["seconds"] for order in placed) < 2
    finally:
        os.kill(broker, signal.SIGCONT)
        world.control.clear_faults()
    wait_for("the results after all are back", lambda: set(world.order_statuses(placed)) == {"COMPLETED"}, 150)
    assert world.control.list_breaches() == []


def test_disconnecting_cuts_off_at_once_and_reconnecting_goes_on(world: World) -> None:
    world.connect_company("comes-back")
    package = world.package_ids("SKILL_TEST")[0]
    assert world.control.disconnect_company("comes-back") == 204
    assert world.control.notify_disabled("comes-back") in (204, None)
    world.connect_company("comes-back")
    placed = world.control.place_orders("comes-back", package)
    wait_for("the result after a reconnect", lambda: world.order_statuses(placed) == ["COMPLETED"])
    assert world.control.list_breaches() == []


@pytest.mark.postgresql
@pytest.mark.redis
@pytest.mark.skipif(not postgres.is_available(), reason="PostgreSQL is not installed")
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis is not installed")
def test_portal_on_postgresql_and_redis_needs_nothing_else_changed(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("servers")
    with postgres.provide_database() as database_url, redis_server(folder) as redis_url:
        keys = {
            "SECRET_KEY": "e2e-" + "0123456789abcdef" * 3,
            "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        }
        with World(folder, DATABASE_URL=database_url, REDIS_URL=redis_url, **keys) as world:
            world.connect_company("on-servers")
            placed = []
            for package in world.package_ids("SKILL_TEST", "VIDEO_INTERVIEW"):
                placed += world.control.place_orders("on-servers", package, count=5)
            wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"})
            assert world.control.list_breaches() == []
