"""Webhook endpoints that hang do not delay the results of any customer."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.world import World, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
ENDPOINTS, MESSAGES, WAVES = 70, 10, 3
HANGING = 60  # fewer than a process has coordinators, which would all wait for them


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


def is_hanging(line: socket.socket) -> bool:
    """Return False once the portal has given the call up."""
    with contextlib.suppress(ConnectionError):
        try:
            while line.recv(65_536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            return True
    return False


def test_results_pass_seventy_endpoints_that_hang(
    tmp_path: Path, hanging_server: tuple[str, list[socket.socket]]
) -> None:
    """A result does not wait for the calls that hang: most of them still do when it has arrived."""
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
        world.control.place_orders("noisy", package, count=MESSAGES)
        for wave in range(WAVES):  # beyond the deadline of the first calls, so that their next ones hang, too
            wanted = HANGING + wave * ENDPOINTS
            wait_for("calls that hang", lambda wanted=wanted: len(accepted) >= wanted)  # type: ignore[misc]
            before = [line for line in list(accepted) if is_hanging(line)]
            placed = world.control.place_orders("quick", package)
            wait_for("the result", lambda placed=placed: world.order_statuses(placed) == ["COMPLETED"])  # type: ignore[misc]
            after = [line for line in before if is_hanging(line)]
            assert len(after) > len(before) / 2 > ENDPOINTS / 4
