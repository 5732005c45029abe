"""Slow clients at the running portal, directly and behind nginx: others are answered throughout. Refusals are counted.

`make bench ARGS=slow_clients` repeats this with more of them, for longer, and says how quick the answers are.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests

from tests.e2e.nginx import run_nginx
from tests.e2e.slow_clients import LARGE_FILE, MANNERS, OrdinaryClient, measure_beside
from tests.e2e.world import World
from tests.integrations.simulator.process import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.nginx, pytest.mark.xdist_group("e2e-slow-clients")]
COUNT, SECONDS = 200, 1
TOKEN, CANARY = "scrape-" * 6, "canary-of-a-stranger"
REFUSED = {
    "400": f"GET /{CANARY} HTTP/9.9\r\n\r\n",
    "401": f"POST /api/vendor/v1/{CANARY} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n",
    "413": f"POST /{CANARY} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n\r\n",
    "414": f"GET /{CANARY * 500} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "431": f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {CANARY * 2000}\r\n\r\n",
}
STATUSES = {"healthz": {200}, "order": {202}, "chunked order": {202}}


@dataclass
class Server:
    world: World
    client: OrdinaryClient
    ports: dict[str, int]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slow-clients")
    ports = {"buffering nginx": free_port(), "passing nginx": free_port()}
    with World(folder, engine=False, TRUSTED_PROXIES="127.0.0.1", METRICS_TOKEN=TOKEN) as world, ExitStack() as proxies:
        for name, port in ports.items():
            is_buffering = name == "buffering nginx"
            proxies.enter_context(run_nginx(folder / name.split()[0], port, world.port, buffering=is_buffering))
        world.connect_company("slow-clients")
        yield Server(world, OrdinaryClient(world, "slow-clients"), {"portal": world.port, **ports})


@pytest.mark.parametrize("target", ["portal", "buffering nginx", "passing nginx"])
@pytest.mark.parametrize("manner", MANNERS)
def test_others_are_answered_beside_slow_clients(server: Server, target: str, manner: str) -> None:
    answers = measure_beside(server.client, server.ports[target], MANNERS[manner], count=COUNT, seconds=SECONDS)
    found: dict[str, set[int]] = {}
    for answer in answers:
        found.setdefault(answer.request, set()).add(answer.status)
    assert found == STATUSES


def test_static_file_comes_whole_in_part_or_not_at_all(server: Server) -> None:
    """It is sent from where it is, and is large enough to stay unsent to clients who do not read."""
    url = f"{server.world.url}{LARGE_FILE}"
    with requests.Session() as session:
        whole = session.get(url, timeout=30)
        head = session.head(url, timeout=30)
        part = session.get(url, headers={"Range": "bytes=1000-200999"}, timeout=30)
        unchanged = session.get(url, headers={"If-Modified-Since": whole.headers["Last-Modified"]}, timeout=30)
    assert (whole.status_code, len(whole.content) > 250_000) == (200, True)
    assert (head.status_code, head.content) == (200, b"")
    assert (part.status_code, part.content == whole.content[1000:201_000]) == (206, True)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def scrape_refusals(world: World) -> dict[str, float]:
    page = requests.get(f"{world.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).text
    counts = {
        name: float(value) for name, value in (line.rsplit(" ", 1) for line in page.splitlines() if line[0] != "#")
    }
    return {status: counts.get(f'portal_refused_requests_total{{status="{status}"}}', 0) for status in REFUSED}


def test_refusals_of_the_server_are_counted_and_logged_without_what_was_sent(server: Server) -> None:
    before = scrape_refusals(server.world)
    for status, request in REFUSED.items():
        with socket.create_connection(("127.0.0.1", server.world.port), timeout=30) as connection:
            connection.sendall(request.encode())
            assert connection.recv(12).decode() == f"HTTP/1.1 {status}"
    after = scrape_refusals(server.world)
    assert {status: after[status] - before[status] for status in REFUSED} == dict.fromkeys(REFUSED, 1)
    log = server.world.read_log()
    assert [status for status in ("413", "414", "431") if f"Refused requests with {status}: 1" not in log] == []
    assert CANARY not in "".join(line for line in log.splitlines() if "Refused requests" in line)
