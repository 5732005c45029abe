"""D9, D58: the database commits, and the connection dies before the portal receives the confirmation."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests import postgres
from tests.e2e import intake_script
from tests.integrations.simulator.process import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.postgresql, pytest.mark.xdist_group("e2e")]
WATCHED = b'INSERT INTO "orders_order"'
SCRIPT = (
    intake_script.SETUP_SCRIPT
    + """
body = bodies.order_body()
for _ in range(2):
    answer = client.post(bodies.ORDERS, body, format="json")
    print(answer.status_code, Order.objects.count())
"""
)


class DroppingProxy:
    """Proxy to PostgreSQL that dies once: after the first order's commit and before its response."""

    def __init__(self, port: int) -> None:
        self.port, self.is_watching, self.has_cut = port, False, False

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            silenced = threading.Event()
            threading.Thread(target=self._forward_requests, args=(client, server, silenced), daemon=True).start()
            threading.Thread(target=self._forward_responses, args=(server, client, silenced), daemon=True).start()

    def _forward_requests(self, client: socket.socket, server: socket.socket, silenced: threading.Event) -> None:
        while received := _receive(client):
            self.is_watching = self.is_watching or WATCHED in received
            if self.is_watching and not self.has_cut and b"COMMIT" in received:
                self.has_cut = True
                silenced.set()
            server.sendall(received)
        server.close()

    def _forward_responses(self, server: socket.socket, client: socket.socket, silenced: threading.Event) -> None:
        while received := _receive(server):
            if silenced.is_set():
                break
            client.sendall(received)
        client.shutdown(socket.SHUT_RDWR)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except OSError:
        return b""


@contextmanager
def run_proxy(port: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=DroppingProxy(port).serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def test_order_whose_commit_went_unheard_is_one_order_when_it_comes_again() -> None:
    with postgres.provide_database() as url, run_proxy(urlsplit(url).port or 5432) as port:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE_URL": url.replace(f":{urlsplit(url).port}", f":{port}"),
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-2:] == ["503 1", "202 1"]
