"""Webhook endpoints that hang do not delay the results of any customer."""

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import requests

from tests.e2e.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
ENDPOINTS, MESSAGES = 70, 10
MAX_DELAY_SECONDS = 5


@pytest.fixture
def hanging_server() -> Iterator[tuple[str, list[socket.socket]]]:
    """Accept connections and never respond. Yield the URL and the connections."""
    accepted: list[socket.socket] = []

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                accepted.append(listener.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", accepted
    for each in accepted:
        each.close()


def read_delays(database: Path) -> list[float]:
    """Return the seconds that each delivered result took, from its decision to SmartRecruiters' response."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT created_at, finished_at FROM outbox_delivery WHERE kind = 'result' AND state = 'delivered'"
        ).fetchall()
    return [(datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() for start, end in rows]


def test_results_pass_seventy_endpoints_that_hang(
    tmp_path: Path, hanging_server: tuple[str, list[socket.socket]]
) -> None:
    url, accepted = hanging_server
    with World(tmp_path, WEBHOOKS_ALLOW_PRIVATE="1") as world:
        for company in ("noisy", "quick"):
            world.connect_company(company)
        headers = {"Authorization": f"Bearer {world.engine_token()}"}
        for number in range(ENDPOINTS):
            registration = {"url": f"{url}/{number}", "events": ["order.created"]}
            answer = requests.post(
                f"{world.url}/api/vendor/v1/webhooks", json=registration, headers=headers, timeout=10
            )
            assert answer.status_code == 201
        package = world.package_ids("SKILL_TEST")[0]
        placed = world.control.place_orders("noisy", package, count=MESSAGES)
        wait_for("calls that hang", lambda: len(accepted) >= ENDPOINTS)
        for _ in range(12):  # beyond the deadline of the calls, so that their next ones hang, too
            placed += world.control.place_orders("quick", package)
            time.sleep(2)
        wait_for("the results", lambda: set(world.order_statuses(placed)) == {"COMPLETED"})
        delays = read_delays(tmp_path / "portal" / "portal.sqlite3")
        assert (len(delays), max(delays) < MAX_DELAY_SECONDS) == (MESSAGES + 12, True), sorted(delays)
