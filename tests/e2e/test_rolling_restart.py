"""D6: a graceful deploy under load refuses no order and sends no result twice."""

import os
import signal
import threading

import pytest

from tests.e2e.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def test_restart_in_order_turns_no_order_away_and_repeats_nothing(world: World) -> None:
    world.connect_company("rolling")
    package = world.package_ids("SKILL_TEST")[0]
    since = world.control.get_ledger_end()
    placed = []
    ordering = threading.Thread(
        target=lambda: placed.extend(world.control.place_orders("rolling", package, count=150, parallel=4, retries=5))
    )
    ordering.start()
    os.kill(world.find_pid("web"), signal.SIGHUP)  # starts new workers before the old ones stop
    os.kill(world.find_pid("courier"), signal.SIGTERM)
    ordering.join()
    # 503 is a busy database, which SmartRecruiters may ask again. An order without a response would be the restart's.
    assert {answer["status"] for order in placed for answer in order["answers"]} - {503} == {202}
    assert all(order["accepted"] for order in placed)
    wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"}, 150)
    repeats = [each for each in world.control.iterate_events(since, kinds="result") if each["repeat"]]
    assert (repeats, world.control.list_breaches()) == ([], [])
