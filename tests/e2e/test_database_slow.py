"""D19: the database is slow, or accepts no connections."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests import postgres
from tests.e2e import intake_script
from tests.integrations.simulator.process import ROOT, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.postgresql, pytest.mark.xdist_group("e2e")]
SCRIPT = (
    intake_script.SETUP_SCRIPT
    + """
import sys, time
from django.db import connection
print("ready", flush=True)
for line in sys.stdin:
    started = time.monotonic()
    answer = client.post(bodies.ORDERS, bodies.order_body(), format="json")
    took = time.monotonic() - started
    print(answer.status_code, answer.headers.get("Retry-After"), round(took, 1), flush=True)
    connection.close()
"""
)


class DelayingProxy:
    """Proxy to PostgreSQL that delays each request by `seconds`; with None it accepts no connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seconds: float | None = 0.0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.seconds is None:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._forward, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, is_slow: bool) -> None:
        try:
            while received := source.recv(65536):
                time.sleep((self.seconds or 0) if is_slow else 0)
                target.sendall(received)
        except OSError:
            pass
        target.close()


@contextmanager
def run_portal() -> Iterator[tuple[DelayingProxy, "subprocess.Popen[str]"]]:
    with postgres.provide_database() as url, socket.create_server(("127.0.0.1", free_port())) as listener:
        proxy = DelayingProxy(urlsplit(url).port or 5432)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "TEST_DATABASE_URL": url.replace(f":{proxy.port}", f":{listener.getsockname()[1]}"),
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, **pipes)  # type: ignore[call-overload]
        try:
            while process.stdout.readline() != "ready\n":
                assert process.poll() is None
            yield proxy, process
        finally:
            process.stdin.close()
            process.wait(30)


def test_order_is_503_within_five_seconds_whatever_the_database_does() -> None:
    with run_portal() as (proxy, process):

        def order(seconds: float | None) -> tuple[str, str, float]:
            proxy.seconds = seconds
            process.stdin.write("\n")
            process.stdin.flush()
            status, wait, took = process.stdout.readline().split()
            return status, wait, float(took)

        assert order(0)[:2] == ("202", "None")
        for seconds in (0.4, 1.0, 3.0, None):
            status, wait, took = order(seconds)
            assert (status, wait) == ("503", "2")
            assert took < 5.5
        assert order(0)[:2] == ("202", "None")
