"""Clients that are slow on purpose, and clients like SmartRecruiters beside them."""

import contextlib
import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import requests

from tests.e2e.world import World

ORDERS = "/smartrecruiters/packages/orders"
LARGE_FILE = "/static/admin/js/vendor/jquery/jquery.js"
SMARTRECRUITERS_TIMEOUT = 15.0
GET = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
POST = f"POST {ORDERS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
ISSUE_CLIENT = """
import json
from integrations.models import Client, Connection
client, secret = Client.issue("slow clients", connection=Connection.objects.get(company_id={company!r}))
print(json.dumps([client.client_id, secret]))
"""


@dataclass(frozen=True)
class Manner:
    """What a slow client sends at first, and once a second after that. None of them reads."""

    first: bytes
    then: bytes = b""
    stops_sending: bool = False


MANNERS = {
    "slow head": Manner(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"x"),
    "slow body": Manner(POST + b"Content-Length: 30000\r\n\r\n{", b" "),
    "slow chunks": Manner(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n \r\n"),
    "no reading": Manner(GET),
    "pipelined without reading": Manner(GET * 50),
    "half closed": Manner(GET, stops_sending=True),
}


@contextlib.contextmanager
def slow_clients(port: int, manner: Manner, count: int) -> Iterator[None]:
    """Keep `count` connections in this manner. One that the server ends is followed by another one."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep_connections, args=(port, manner, count, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep_connections(port: int, manner: Manner, count: int, stop: threading.Event) -> None:
    connections: list[socket.socket] = []
    while not stop.wait(1 if connections else 0):
        connections = [connection for connection in connections if _send_more(connection, manner)]
        with contextlib.suppress(OSError):  # a full backlog: again after a second
            while len(connections) < count and not stop.is_set():
                connections.append(_connect(port, manner))
    for connection in connections:
        connection.close()


def _connect(port: int, manner: Manner) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(5)
    try:
        connection.connect(("127.0.0.1", port))
        connection.sendall(manner.first)
        if manner.stops_sending:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        connection.close()
        raise
    return connection


def _send_more(connection: socket.socket, manner: Manner) -> bool:
    """Return False if the server has ended the connection."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    try:
        if poll.poll(0):
            raise ConnectionError
        if manner.then:
            connection.send(manner.then, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
    return True


@dataclass(frozen=True)
class Answer:
    """What a client got that is not slow: a status, or 0 if it waited for as long as SmartRecruiters does."""

    request: str
    status: int
    seconds: float


class OrdinaryClient:
    """SmartRecruiters, as a client of one company, and somebody who asks for `/healthz`."""

    def __init__(self, world: World, company: str) -> None:
        self._package = world.package_ids("SKILL_TEST")[0]
        self._company = company
        self._callback = f"{world.simulator.url}/assessment-api/v202010/orders/{{}}/results"
        client = json.loads(world.run_manage("shell", "-v0", "-c", ISSUE_CLIENT.format(company=company)))
        form = {"grant_type": "client_credentials"}
        answer = requests.post(f"{world.url}/oauth/token", form, auth=(client[0], client[1]), timeout=30)
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Content-Type": "application/json"}

    def send_requests(self, port: int) -> list[Answer]:
        return [
            self._send("healthz", port, "GET", "/healthz"),
            self._send("order", port, "POST", ORDERS, self._build_order()),
            self._send("chunked order", port, "POST", ORDERS, iter([self._build_order()])),
        ]

    def _build_order(self) -> bytes:
        order = {
            "resultCallbackURL": self._callback.format(uuid4()),
            "candidate": {"id": "c-1", "email": "nadia@reader.example", "firstName": "Nadia", "lastName": "Reader"},
            "requester": {"userId": "u-1", "email": "ruth@northwind.example"},
            "assessmentPackageId": self._package,
            "companyId": self._company,
            "jobId": "j-1",
        }
        return json.dumps(order).encode()

    def _send(
        self, name: str, port: int, method: str, path: str, body: bytes | Iterator[bytes] | None = None
    ) -> Answer:
        started_at = time.monotonic()
        connection = http.client.HTTPConnection("localhost", port, timeout=SMARTRECRUITERS_TIMEOUT)
        try:
            # An iterator has no length, so it is sent in chunks.
            connection.request(method, path, body, self._headers)
            status = connection.getresponse().status
        except OSError:
            status = 0
        finally:
            connection.close()
        return Answer(name, status, time.monotonic() - started_at)


def measure_beside(client: OrdinaryClient, port: int, manner: Manner, *, count: int, seconds: float) -> list[Answer]:
    """Send ordinary requests for some time, once a second, beside `count` slow clients, and return the answers."""
    answers = []
    with slow_clients(port, manner, count):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answers += client.send_requests(port)
            time.sleep(0.5)  # other programs share the machine
    return answers
