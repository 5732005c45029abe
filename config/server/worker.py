"""gunicorn worker whose threads never wait for a client: the event loop alone reads and writes the connections.

gunicorn's gthread worker gives a thread to each connection, to read the request and to write the response, so as many
slow clients as there are threads stop the portal. Here the event loop collects a request, then a thread turns it into a
response, then the event loop sends that. README.md beside this file has the limits.

It overrides private members of gunicorn 27, the version that pyproject.toml pins and a test checks.
"""

import errno
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config.server.connection import Connection
from config.server.refusals import RefusalLog, RefusedRequestError, build_error_response
from config.server.request_body import MAX_BODY
from config.server.response_buffer import ResponseBuffer

ADMITTED = object()  # what a thread returns of a request whose large body may be read
MAX_DISCARDED = MAX_BODY  # of a refused request: who resets the connection meanwhile destroys the response
# Small, as bytes in the kernel count as read: a client that reads slowly must show it before its deadline.
SEND_BUFFER = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
CHECK_SECONDS = 0.25


@dataclass
class Exchange:
    """What gunicorn needs of a connection to produce a response."""

    sock: ResponseBuffer
    client: Any
    server: Any


class BufferingWorker(ThreadWorker):
    """gthread worker whose threads get complete requests, and write responses to a buffer."""

    head_seconds = 10.0
    pace_seconds = 20.0  # how often a client must have sent or read `min_rate` bytes per second
    min_rate = 2 * 1024
    linger_seconds = 2.0
    max_spooled = 256 * 1024 * 1024  # memory and disk for bodies and responses that wait for their clients

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sockets: list[socket.socket] = self.sockets
        self.waiting: dict[Connection, None] = {}  # for their clients, in the order in which they began to
        self.pipelined: deque[Connection] = deque()
        self.pipelined_count = 0
        self.refusals = RefusalLog(self.log)
        self._next_check = 0.0

    # Collecting requests

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not. A worker that ends stops listening, once it has accepted those that wait.

        gunicorn would listen until the last response was sent, and accept nobody: a proxy would take the reset of the
        connections that the kernel accepted meanwhile for a failure.
        """
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:
            for listener in self.sockets:
                while self.accept(listener):
                    pass
                listener.close()
            self.sockets = []

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection. Return False if none waits."""
        try:
            sock, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return error.errno == errno.ECONNABORTED
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, sock, address, listener.getsockname()))
        return True

    def enqueue_req(self, conn: Connection) -> None:
        """Start to collect a request, on a new connection or on one that was kept alive."""
        conn.start_request()
        conn.deadline = time.monotonic() + self.head_seconds
        if conn.is_pipelined:  # to receive more after each response would collect requests without end
            self._continue_request(conn, is_open=True)
        else:
            self._receive(conn)

    def _receive(self, conn: Connection, _sock: socket.socket | None = None) -> None:
        try:
            is_open = conn.receive()
        except OSError:
            self._close(conn)
        else:
            self._continue_request(conn, is_open)

    def _continue_request(self, conn: Connection, is_open: bool) -> None:
        """Go on with what was received: wait for more, submit the request, or refuse it."""
        is_new = conn.request is None
        try:
            is_ready = conn.parse()
        except RefusedRequestError as error:
            self._refuse(conn, error)
            return
        except Exception as error:  # an OSError is no disk space; any other must not end the event loop
            if not isinstance(error, OSError):
                self.log.exception("Error reading request")
            self._refuse(conn, RefusedRequestError(503))
            return
        if is_new and conn.request is not None:
            conn.deadline = time.monotonic() + self.pace_seconds
        if not is_ready and not is_open:
            if conn.request is None:
                self._give_up(conn, 400)
                return
            conn.body.error = 400  # the application answers, in the form of the path
            is_ready = True
        if is_ready:
            self._submit(conn)
        else:
            conn.send_continue()
            self._wait(conn, selectors.EVENT_READ, self._receive)

    def _submit(self, conn: Connection) -> None:
        """Give the request to a thread. Clients who do not wait for responses share half of the threads."""
        self._stop_waiting(conn)
        if conn.is_pipelined:
            if self.pipelined_count >= max(1, self.cfg.threads // 2):
                self.pipelined.append(conn)
                return
            self.pipelined_count += 1
        super().enqueue_req(conn)

    # In a thread

    def handle(self, conn: Connection) -> object:
        """Produce the response, or decide on a large body. Return ADMITTED, or whether to keep the connection."""
        try:
            if conn.needs_admission:
                conn.body.error = self._judge_large_body(conn)
                if not conn.body.error:
                    return ADMITTED
            exchange = Exchange(conn.response, conn.client, conn.server)
            return self.handle_request(conn.complete_request(), exchange)
        except StopIteration:  # gunicorn logged that the application failed half-way through its response
            pass
        except Exception:
            self.log.exception("Error handling request")
        conn.response.close()  # nothing of it was sent
        conn.response.sendall(build_error_response(RefusedRequestError(500)))
        return False

    def _judge_large_body(self, conn: Connection) -> int:
        """Return the status by which the application refuses to read a large body of this caller, or 0."""
        judge = getattr(self.wsgi, "judge_large_body", None)
        if judge is None:
            return 0
        _, environ = wsgi.create(conn.request, ResponseBuffer(), conn.client, conn.server, self.cfg)
        return int(judge(environ))

    # Sending responses

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Take the connection back from its thread; gunicorn calls this in the event loop."""
        if conn.is_pipelined:
            self.pipelined_count -= 1
            if self.pipelined:
                self._submit(self.pipelined.popleft())
        if fs.cancelled() or fs.exception():
            self._close(conn)
        elif fs.result() is ADMITTED:
            conn.is_admitted = True
            conn.deadline = time.monotonic() + self.pace_seconds
            self._continue_request(conn, is_open=True)
        else:
            self._start_sending(conn, keeps_alive=bool(fs.result()))

    def _start_sending(self, conn: Connection, *, keeps_alive: bool) -> None:
        conn.keeps_alive = keeps_alive
        conn.moved = 0
        conn.deadline = time.monotonic() + self.pace_seconds
        self._send(conn)

    def _send(self, conn: Connection, _sock: socket.socket | None = None) -> None:
        try:
            conn.moved += conn.response.send_to(conn.sock)
        except OSError:
            self._close(conn)
            return
        if conn.response.unsent_bytes:
            self._wait(conn, selectors.EVENT_WRITE, self._send)
            return
        self._stop_waiting(conn)
        conn.release_files()
        if not conn.keeps_alive:
            self._linger(conn)
        elif conn.buffer:
            self.enqueue_req(conn)
        else:
            conn.timeout = time.monotonic() + (self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER)
            self.keepalived_conns.append(conn)
            ready = partial(self.on_client_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, ready)

    def _refuse(self, conn: Connection, error: RefusedRequestError) -> None:
        self._stop_waiting(conn)
        conn.release_files()
        conn.response.sendall(build_error_response(error))
        self.refusals.record(error.status, conn.client[0] if conn.client else "a Unix socket")
        self._start_sending(conn, keeps_alive=False)

    def _linger(self, conn: Connection) -> None:
        """Close in stages (RFC 9112, section 9.6): a reset, by what the client still sends, destroys the response."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        conn.is_closing = True
        conn.moved = 0
        conn.deadline = time.monotonic() + self.linger_seconds
        self._wait(conn, selectors.EVENT_READ, self._discard)

    # Waiting for clients

    def _wait(self, conn: Connection, event: int, callback: Callable[..., None]) -> None:
        if conn not in self.waiting:
            self.waiting[conn] = None
            self.poller.register(conn.sock, event, partial(callback, conn))

    def _stop_waiting(self, conn: Connection) -> None:
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.sock)

    def _discard(self, conn: Connection, _sock: socket.socket) -> None:
        conn.buffer.clear()
        try:
            is_open = conn.receive()
        except OSError:
            is_open = False
        conn.moved += len(conn.buffer)
        conn.discarded += len(conn.buffer)
        if not is_open or conn.discarded > MAX_DISCARDED:
            self._close(conn)

    def murder_pending(self) -> None:
        """Let go of clients that are too slow, or hold too much. gunicorn calls this after each round of events."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + CHECK_SECONDS
        for conn in [conn for conn in self.waiting if conn.deadline <= now]:
            if conn.moved >= self.min_rate * self.pace_seconds:
                conn.moved = 0
                conn.deadline = now + self.pace_seconds
            else:
                self._give_up(conn, 408)
        excess = sum(conn.spooled_bytes for conn in self.waiting) - self.max_spooled
        for conn in list(self.waiting) if excess > 0 else ():
            excess -= conn.spooled_bytes
            self._give_up(conn, 503)
            if excess <= 0:
                break

    def _make_room(self) -> None:
        """Close the connection that has waited longest: thousands of slow clients must not lock out the next one."""
        if self.waiting:
            self._close(next(iter(self.waiting)))
        elif self.keepalived_conns:
            self.keepalived_conns[0].timeout = 0  # gunicorn closes it after this round

    def _give_up(self, conn: Connection, status: int) -> None:
        """Refuse the request with this status if it has begun, or end the response."""
        is_sending = conn.response.unsent_bytes > 0
        if (conn.request or conn.buffer) and not is_sending and not conn.is_closing:
            self._refuse(conn, RefusedRequestError(status))
        else:
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._stop_waiting(conn)
        self.nr_conns -= 1
        if conn.response.unsent_bytes:
            # Otherwise the kernel keeps what it has, and tries to send it for minutes.
            with suppress(OSError):
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        conn.release_files()
        conn.close()
