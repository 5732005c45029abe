"""gunicorn worker with slowloris protection: it buffers requests before they occupy a thread.

gunicorn's gthread worker gives each connection a thread at its first byte and reads without a deadline, so eight slow
clients stop the portal. Here the event loop reads the request's head, and its body up to MAX_BUFFERED, before a thread
gets the request. At most half of the threads read larger bodies. Reading, responding and closing have deadlines
(tests/reliability/README.md, A22). Behind a proxy that buffers requests itself, this is idle.

It overrides private members of gunicorn 27, the version that pyproject.toml pins and a test checks.
"""

import errno
import re
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from config.server.request_body import MAX_BODY

MAX_HEAD = 128 * 1024
MAX_BUFFERED = 72 * 1024
MAX_DISCARDED = 64 * 1024  # bytes read from a client after the last response
MAX_DRAINED = 48 * 1024  # unread bytes of a body that are skipped to keep the connection
SEND_BUFFER = 256 * 1024  # the kernel takes a whole response, except a report, even if the client does not read
READY, INCOMPLETE, DISCONNECTED = 1, 2, 0  # outcomes of reading, beside the status of an error response
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"(?im)^content-length\s*:([^\r\n]*)")
UNKNOWN_LENGTH = re.compile(rb"(?im)^(?:transfer-encoding|expect)\s*:")
TLS_HANDSHAKE = 0x16  # the first byte of a TLS client; no method of HTTP begins with it
TLS_ON_PLAIN_PORT = "This port speaks plain HTTP, not TLS: connect to the port of the proxy that does."
REASON_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def build_error_response(status: int, detail: str = "") -> bytes:
    """Build a problem document for a request that does not reach Django. It repeats no input."""
    reason = REASON_PHRASES[status]
    detail = detail or reason
    body = (
        f'{{"type": "about:blank", "title": "{reason}", "status": {status}, "detail": "{detail}", '
        f'"errors": [{{"code": "{reason.lower().replace(" ", "_")}", "message": "{detail}"}}]}}'
    )
    head = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/problem+json",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        *["Retry-After: 5"] * (status == 503),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + HEAD_END + body.encode()


def is_last_response(request: Any) -> bool:
    """Return True if the connection must close after this response."""
    # gunicorn skips a small unread body to reach the next request, but closes after a larger one. Without
    # `Connection: close` the client would then lose its next request. A chunked body's length is unknown.
    body = request.body.reader
    unread = body.length if isinstance(body, LengthReader) else MAX_DRAINED if getattr(body, "parser", None) else 0
    return type(request).should_close(request) or unread >= MAX_DRAINED


class DeadlineSocket(socket.socket):
    """Socket with a deadline for a whole request and one for its response.

    A timeout would start again at every byte, so a client with a byte per second could hold a thread forever.
    """

    read_deadline = write_deadline = float("inf")

    def recv(self, *args: Any) -> bytes:
        self._apply_deadline(self.read_deadline)
        return super().recv(*args)

    def sendall(self, *args: Any) -> None:
        self._apply_deadline(self.write_deadline)
        super().sendall(*args)

    def _apply_deadline(self, deadline: float) -> None:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the client took too long")
        if self.gettimeout() != 0 and deadline != float("inf"):
            self.settimeout(seconds)

    def recv_nowait(self) -> bytes | None:
        """Read without blocking. Return None if no data is available, b"" if the client disconnected."""
        self.setblocking(False)
        try:
            return super().recv(MAX_HEAD)
        except BlockingIOError:
            return None
        except OSError:
            return b""


class BufferedConnection(TConn):
    """Connection that collects the bytes of its next request."""

    def __init__(self, worker: "BufferingWorker", *args: Any) -> None:
        super().__init__(worker.cfg, *args)
        self.worker = worker
        self.data_ready = True  # gthread must not wait for data: the request is already buffered

    def start_request(self) -> None:
        # With pipelining, the parser has already read a part of it with the previous request.
        self.buffer = bytearray(self.parser.unreader.take_buffered() if self.parser else b"")
        self.head_end, self.expected_length, self.body_length, self.is_large = -1, 0, 0, False
        self.error_detail = ""
        self._parse_head(0)

    def feed_bytes(self, more: bytes) -> None:
        # The end of the head may be split between two reads. Searching from the start would cost quadratic time.
        search_from = max(0, len(self.buffer) - len(HEAD_END) + 1)
        self.buffer += more
        self._parse_head(search_from)

    def _parse_head(self, search_from: int) -> None:
        """Determine the length of the request once its head is complete."""
        if self.head_end >= 0 or (end := self.buffer.find(HEAD_END, search_from)) < 0:
            return
        self.head_end, head = end, bytes(self.buffer[: end + 2])
        lengths = [length.strip(b" \t") for length in CONTENT_LENGTH.findall(head)]
        # Anything unusual (several lengths, signs, chunks, Expect) counts as large, so gunicorn's parser judges it.
        # To disagree with the parser about a request's end would allow request smuggling.
        is_plain = not lengths or (len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 20)
        self.body_length = int(lengths[0]) if is_plain and lengths else 0
        self.is_large = self.body_length > MAX_BUFFERED or not is_plain or UNKNOWN_LENGTH.search(head) is not None
        self.expected_length = end + len(HEAD_END) + (0 if self.is_large else self.body_length)

    def read_available(self) -> int:
        """Read the available bytes. Return READY, INCOMPLETE, DISCONNECTED or the status of an error response."""
        while self.head_end < 0 or len(self.buffer) < self.expected_length:
            more = self.sock.recv_nowait()
            if more is None:
                return INCOMPLETE
            if not more:
                # With a head, the application answers, in the form of its path (config/server/request_body.py).
                return READY if self.head_end >= 0 else 400 if self.buffer else DISCONNECTED
            self.feed_bytes(more)
            if self.buffer[0] == TLS_HANDSHAKE:  # it waits for our part of the handshake, and would until the deadline
                self.error_detail = TLS_ON_PLAIN_PORT
                return 400
            if self.head_end < 0 and len(self.buffer) > MAX_HEAD:
                return 431
        return READY if self.body_length <= MAX_BODY else 413

    def init(self) -> None:
        """Create the parser, in the request's thread, and give it the buffered bytes."""
        super().init()
        self.parser.unreader.unread(bytes(self.buffer))
        self.buffer.clear()

    def close(self, graceful: bool = False) -> None:
        # gunicorn's graceful close blocks its event loop for up to two seconds per client.
        if graceful:
            self.worker.start_lingering_close(self.sock)
        else:
            super().close()


class BufferingWorker(ThreadWorker):
    """gthread worker whose threads only get complete requests, or large bodies within their share."""

    buffer_seconds = 10.0
    read_seconds = 60.0  # for a body that is too large to buffer: a report of 10 MB over a slow connection
    response_seconds = 120.0
    linger_seconds = 2.0
    max_queued = 20  # large bodies that wait for a thread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.large_count = 0
        self.upload_queue: deque[BufferedConnection] = deque()
        self.lingering: deque[tuple[float, DeadlineSocket]] = deque()

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        sock = DeadlineSocket(fileno=accepted.detach())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.nr_conns += 1
        self.enqueue_req(BufferedConnection(self, sock, address, listener.getsockname()))

    def enqueue_req(self, conn: BufferedConnection) -> None:
        """Start to read a request, on a new connection or on one that was kept alive."""
        conn.start_request()
        conn.timeout = time.monotonic() + self.buffer_seconds
        if not self._settle_read(conn, conn.read_available()):
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._continue_reading, conn))

    def _continue_reading(self, conn: BufferedConnection, _sock: socket.socket) -> None:
        outcome = conn.read_available()
        if outcome != INCOMPLETE:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
        self._settle_read(conn, outcome)

    def _settle_read(self, conn: BufferedConnection, outcome: int) -> bool:
        """Submit or reject the request. Return False if it is still incomplete."""
        if outcome == READY:
            self._submit_request(conn)
        elif outcome != INCOMPLETE:
            self._reject_request(conn, outcome)
        return outcome != INCOMPLETE

    def _submit_request(self, conn: BufferedConnection) -> None:
        """Hand the request over to a thread, or queue it until fewer threads read large bodies."""
        if conn.is_large and not self._has_room():
            if len(self.upload_queue) < self.max_queued:
                self.upload_queue.append(conn)
            else:
                self._reject_request(conn, 503)
            return
        self.large_count += conn.is_large
        # From here to the end of the response the connection belongs to the thread; the loop does not touch it.
        conn.sock.read_deadline = time.monotonic() + self.read_seconds
        conn.sock.write_deadline = conn.sock.read_deadline + self.response_seconds
        super().enqueue_req(conn)

    def _has_room(self) -> bool:
        return bool(self.large_count < max(1, self.cfg.threads // 2))

    def _reject_request(self, conn: BufferedConnection, status: int) -> None:
        """Send an error response, if `status` is one, and close."""
        self.nr_conns -= 1
        if status:
            with suppress(OSError):
                # The event loop must not block: the kernel takes these few bytes at once, or they are lost.
                conn.sock.setblocking(False)
                conn.sock.send(build_error_response(status, conn.error_detail))
        conn.close(graceful=bool(status))

    def murder_pending(self) -> None:
        """Reject requests and close connections whose time is over. gunicorn calls this at least once a second."""
        # Both deques are in the order of their deadlines, as each has one constant duration.
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            conn = self.pending_conns.popleft()
            self.poller.unregister(conn.sock)
            self._reject_request(conn, 408 if conn.buffer else 0)
        while self.lingering and self.lingering[0][0] <= now:
            self._close_socket(self.lingering.popleft()[1])

    def handle_request(self, req: Any, conn: BufferedConnection) -> Any:
        # Replaced on the instance: gunicorn creates the request itself.
        req.should_close = partial(is_last_response, req)
        return super().handle_request(req, conn)

    def finish_request(self, conn: BufferedConnection, fs: Any) -> None:
        """Take the connection back from its thread; runs in the event loop."""
        self.large_count -= conn.is_large
        conn.is_large = False
        super().finish_request(conn, fs)
        if self.upload_queue and self._has_room():
            self._submit_request(self.upload_queue.popleft())

    def start_lingering_close(self, sock: DeadlineSocket) -> None:
        """Close in stages without blocking (RFC 9112, section 9.6; nginx calls it lingering_close)."""
        # Closing while the client still sends makes the kernel send RST, which can destroy the response on its way.
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
        except OSError:
            sock.close()
            return
        self.lingering.append((time.monotonic() + self.linger_seconds, sock))
        self.poller.register(sock, selectors.EVENT_READ, partial(self._discard_input, [0]))

    def _discard_input(self, total: list[int], sock: DeadlineSocket) -> None:
        more = sock.recv_nowait()
        total[0] += len(more or b"")
        if more == b"" or total[0] > MAX_DISCARDED:
            self._close_socket(sock)

    def _close_socket(self, sock: DeadlineSocket) -> None:
        if sock.fileno() >= 0:
            self.poller.unregister(sock)
            sock.close()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Reject malformed HTTP without repeating it, neither to the client nor in the log."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = 431 if isinstance(exc, LimitRequestHeaders) else 414 if isinstance(exc, LimitRequestLine) else 400
        self.log.warning("Malformed HTTP request from %s: %s", (addr or ("?",))[0], type(exc).__name__)
        with suppress(OSError):
            client.sendall(build_error_response(status))
