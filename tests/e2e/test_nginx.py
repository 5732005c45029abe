"""The portal behind a real nginx that reuses upstream connections."""

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import requests

from tests.e2e.nginx import Nginx, run_nginx
from tests.e2e.world import World
from tests.integrations.simulator.process import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.nginx, pytest.mark.xdist_group("e2e-nginx")]
ROUNDS, ORDERS_PER_ROUND = 4, 500
CONNECTIONS = 48
GUNICORN_DEFAULT_KEEPALIVE = 2.0
COUNT_ORDERS = "from orders.models import Order; print(Order.objects.count())"


@dataclass
class Proxied:
    world: World
    nginx: Nginx


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    world = World(folder, engine=False, PUBLIC_URL=f"http://localhost:{port}", TRUSTED_PROXIES="127.0.0.1")
    with run_nginx(folder / "nginx", port, world.port) as nginx, world:
        world.url = f"http://localhost:{port}"
        yield Proxied(world, nginx)


def test_post_that_crosses_the_end_of_an_idle_connection_is_answered(proxied: Proxied) -> None:
    """A server that closes idle connections before its proxy does loses such a POST: nginx answers 502."""
    port = int(proxied.world.url.rpartition(":")[2])
    lines = [http.client.HTTPConnection("localhost", port, timeout=60) for _ in range(CONNECTIONS)]

    def post() -> None:
        for line in lines:
            line.request("POST", "/oauth/token", "a=b", {"Content-Type": "application/x-www-form-urlencoded"})

    def read_statuses() -> list[int]:
        answers = [line.getresponse() for line in lines]
        return [answer.status for answer in answers if answer.read()]

    post()
    assert read_statuses() == [400] * CONNECTIONS
    with proxied.nginx.stopped():
        post()
        # An idle time is what this is about: gunicorn closes within the second after its limit.
        time.sleep(GUNICORN_DEFAULT_KEEPALIVE + 1.5)
    assert read_statuses() == [400] * CONNECTIONS
    assert "upstream" not in proxied.nginx.error_log.read_text()


def test_no_order_is_lost_on_connections_that_were_idle(proxied: Proxied) -> None:
    world = proxied.world
    world.connect_company("proxied")
    world.control.change_settings(partner_timeout=60)  # the machine may be busy
    package = world.package_ids("SKILL_TEST")[0]
    placed = []
    for number in range(ROUNDS):
        placed += world.control.place_orders("proxied", package, count=ORDERS_PER_ROUND, parallel=24, retries=5)
        time.sleep(GUNICORN_DEFAULT_KEEPALIVE + number / ROUNDS)
    statuses = {answer["status"] for order in placed for answer in order["answers"]}
    assert statuses - {503} == {202}  # 503 is a busy database, which SmartRecruiters may ask again; 502 is a lost order
    assert [order["order_id"] for order in placed if not order["accepted"]] == []
    assert world.run_manage("shell", "-c", COUNT_ORDERS).split()[-1] == str(ROUNDS * ORDERS_PER_ROUND)
    assert "upstream" not in proxied.nginx.error_log.read_text()


def test_long_return_address_passes_the_proxy(proxied: Proxied) -> None:
    """For a response whose head exceeds its buffer, by default 4 KB, nginx answers 502."""
    world = proxied.world
    world.control.add_company("long-state")
    back = f"{world.simulator.url}/?state={'x' * 7000}#/apps"
    person = world.sign_in()
    entry = f"{world.url}/smartrecruiters/integration?companyId=long-state&redirect={quote(back, safe=':/')}"
    page = person.session.get(entry, timeout=30)
    page = person.submit_form(page, login=person.email, password=person.password)
    assert [each.headers["Location"] for each in person.submit_form(page, decision="deny").history] == [back]


def test_long_mapped_fields_pass_the_proxy(proxied: Proxied) -> None:
    """RFC 9112, section 3, recommends at least 8,000 octets for a request line."""
    query = {f"field{number}": "漢" * 90 for number in range(8)}
    found = requests.get(f"{proxied.world.url}/smartrecruiters/packages", params=query, timeout=10)
    assert found.status_code == 401  # it reached the portal, which asks for a token
