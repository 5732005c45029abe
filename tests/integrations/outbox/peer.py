"""HTTP server that responds by script and records the requests."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def _passed_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    hangs_until: threading.Event = field(default_factory=_passed_event)
    breaks_off: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    token: str
    body: Any
    content_type: str
    at: float


class Peer:
    """Responds with `answer(received)`: by default the next one in `script` for the path, otherwise 200 `{}`."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.received: list[Received] = []
        self.script: dict[str, list[Answer]] = {}
        self.answer: Callable[[Received], Answer] = self._next_answer
        self.watch: Callable[[dict[str, str], bytes], object] = lambda headers, body: None
        self.lock = threading.Lock()
        self.running_count = self.max_concurrent = 0

    def _next_answer(self, received: Received) -> Answer:
        waiting = self.script.get(received.path, [])
        return waiting.pop(0) if waiting else Answer()

    def received_paths(self) -> list[str]:
        return [received.path for received in self.received]


def _parse_body(kind: str, body: bytes) -> Any:
    if kind.startswith("multipart/"):
        return body
    return body.decode() if kind == "application/x-www-form-urlencoded" else json.loads(body or b"null")


def _make_handler(peer: Peer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: Nagle would wait 40 ms

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            kind = self.headers.get("Content-Type", "")
            parsed = _parse_body(kind, body)
            received = Received(self.path, token, parsed, kind, time.monotonic())
            with peer.lock:
                peer.watch({name.lower(): value for name, value in self.headers.items()}, body)
                peer.received.append(received)
                peer.running_count += 1
                peer.max_concurrent = max(peer.max_concurrent, peer.running_count)
                answer = peer.answer(received)
            time.sleep(answer.seconds)
            answer.hangs_until.wait(60)
            with peer.lock:
                peer.running_count -= 1
            if answer.breaks_off:
                self.close_connection = True
                self.connection.close()
                return
            text = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(text)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_PATCH = do_GET = do_POST  # noqa: N815  (names of BaseHTTPRequestHandler)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    """Server that closes its kept connections at its end, and with them their threads, which pile up over a suite."""

    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def server_close(self) -> None:
        super().server_close()
        for request in list(self._open):
            with suppress(OSError):  # the peer was faster
                request.shutdown(socket.SHUT_RDWR)


@contextmanager
def run_peer() -> Iterator[Peer]:
    peer = Peer()
    server = _Server(("127.0.0.1", 0), _make_handler(peer))
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
