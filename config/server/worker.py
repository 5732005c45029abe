"""gunicorn's threads, given to whole requests only (RELIABILITY.md, A22).

gthread gives a thread to whoever connects, reads there without an end, and waits in its one loop for whoever does not
hang up: eight clients that send a byte now and then would stop the portal. Here the loop gathers a request's head, and
its body where that is small, before a thread has anything to do with it. Large bodies are read by half of the threads
at most. Everything has its time. Behind a server that gathers requests itself this is idle, and does no harm.
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

MAX_HEAD = 128 * 1024
MAX_GATHERED = 72 * 1024
MAX_BODY = 13 * 1024 * 1024
"""A report of 10 MB and its form, or 12 MB of anything else."""
MAX_DISCARDED = 64 * 1024
MAX_DRAINED = 48 * 1024
"""What the application left unread of a body and is taken out of the way of the next request."""
KEPT_BY_KERNEL = 256 * 1024
"""What the kernel takes of an answer, whether the client reads or not: all of it but for reports."""
READY, WAITS, LEFT = 1, 2, 0
END = b"\r\n\r\n"
LENGTH = re.compile(rb"(?im)^content-length\s*:([^\r\n]*)")
UNKNOWN_LENGTH = re.compile(rb"(?im)^(?:transfer-encoding|expect)\s*:")
REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def refusal(status: int) -> bytes:
    """An answer to what never becomes a request of Django's: a problem document that repeats nothing of it."""
    reason = REASONS[status]
    body = (
        f'{{"type": "about:blank", "title": "{reason}", "status": {status}, "detail": "{reason}", '
        f'"errors": [{{"code": "{reason.lower().replace(" ", "_")}", "message": "{reason}"}}]}}'
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
    return "\r\n".join(head).encode() + END + body.encode()


def is_last(request: Any) -> bool:
    """Does the connection end with this answer? Also where much of the body is left: then the client must be told."""
    body = request.body.reader
    left = body.length if isinstance(body, LengthReader) else MAX_DRAINED if getattr(body, "parser", None) else 0
    return type(request).should_close(request) or left >= MAX_DRAINED


class Line(socket.socket):
    """A connection whose blocking calls end when the request's time, or the answer's, is over."""

    read_until = answer_until = float("inf")

    def recv(self, *args: Any) -> bytes:
        self._until(self.read_until)
        return super().recv(*args)

    def sendall(self, *args: Any) -> None:
        self._until(self.answer_until)
        super().sendall(*args)

    def _until(self, ends: float) -> None:
        seconds = ends - time.monotonic()
        if seconds <= 0:
            raise ConnectionResetError(errno.ECONNRESET, "the client took too long")
        if self.gettimeout() != 0 and ends != float("inf"):
            self.settimeout(seconds)

    def there(self) -> bytes | None:
        """What can be read now; None while that is nothing, and nothing when the client has left."""
        self.setblocking(False)
        try:
            return super().recv(MAX_HEAD)
        except BlockingIOError:
            return None
        except OSError:
            return b""


class Connection(TConn):
    def __init__(self, worker: "Worker", *args: Any) -> None:
        super().__init__(worker.cfg, *args)
        self.worker = worker
        self.data_ready = True

    def begin(self) -> None:
        """The next request, of which a part may have come with the one before."""
        self.gathered = bytearray(self.parser.unreader.take_buffered() if self.parser else b"")
        self.head_ends, self.wanted, self.body, self.is_large = -1, 0, 0, False
        self._look(0)

    def add(self, more: bytes) -> None:
        seen = max(0, len(self.gathered) - len(END) + 1)
        self.gathered += more
        self._look(seen)

    def _look(self, seen: int) -> None:
        """Once the head is whole: how much belongs to this request?"""
        if self.head_ends >= 0 or (end := self.gathered.find(END, seen)) < 0:
            return
        self.head_ends, head = end, bytes(self.gathered[: end + 2])
        lengths = [length.strip(b" \t") for length in LENGTH.findall(head)]
        is_plain = not lengths or (len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 20)
        self.body = int(lengths[0]) if is_plain and lengths else 0
        self.is_large = self.body > MAX_GATHERED or not is_plain or UNKNOWN_LENGTH.search(head) is not None
        self.wanted = end + len(END) + (0 if self.is_large else self.body)

    def gather(self) -> int:
        """Read what is there: READY, WAITS for more, LEFT by the client, or the status to turn it away with."""
        while self.head_ends < 0 or len(self.gathered) < self.wanted:
            more = self.sock.there()
            if more is None:
                return WAITS
            if not more:
                return LEFT
            self.add(more)
            if self.head_ends < 0 and len(self.gathered) > MAX_HEAD:
                return 431
        return READY if self.body <= MAX_BODY else 413

    def init(self) -> None:
        super().init()
        self.parser.unreader.unread(bytes(self.gathered))
        self.gathered.clear()

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.say_goodbye(self.sock)
        else:
            super().close()


class Worker(ThreadWorker):
    gather_seconds = 10.0
    read_seconds = 60.0
    """For a body that is too large to be gathered: a report of 10 MB over a slow line."""
    answer_seconds = 120.0
    goodbye_seconds = 2.0
    max_waiting = 20
    """Large bodies that wait for their turn."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.large = 0
        self.waiting: deque[Connection] = deque()
        self.leaving: deque[tuple[float, Line]] = deque()

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        line = Line(fileno=accepted.detach())
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BY_KERNEL)
        self.nr_conns += 1
        self.enqueue_req(Connection(self, line, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """A request begins, on a new connection or on one that was kept."""
        conn.begin()
        conn.timeout = time.monotonic() + self.gather_seconds
        if not self._proceed(conn, conn.gather()):
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._go_on, conn))

    def _go_on(self, conn: Connection, _sock: socket.socket) -> None:
        outcome = conn.gather()
        if outcome != WAITS:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)
        self._proceed(conn, outcome)

    def _proceed(self, conn: Connection, outcome: int) -> bool:
        """False: more has to come first."""
        if outcome == READY:
            self._hand_over(conn)
        elif outcome != WAITS:
            self._turn_away(conn, outcome)
        return outcome != WAITS

    def _hand_over(self, conn: Connection) -> None:
        if conn.is_large and not self._has_room():
            if len(self.waiting) < self.max_waiting:
                self.waiting.append(conn)
            else:
                self._turn_away(conn, 503)
            return
        self.large += conn.is_large
        conn.sock.read_until = time.monotonic() + self.read_seconds
        conn.sock.answer_until = conn.sock.read_until + self.answer_seconds
        super().enqueue_req(conn)

    def _has_room(self) -> bool:
        return bool(self.large < max(1, self.cfg.threads // 2))

    def _turn_away(self, conn: Connection, status: int) -> None:
        """Said from the loop, so only what the kernel takes at once."""
        self.nr_conns -= 1
        if status:
            with suppress(OSError):
                conn.sock.setblocking(False)
                conn.sock.send(refusal(status))
        conn.close(graceful=bool(status))

    def murder_pending(self) -> None:
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            conn = self.pending_conns.popleft()
            self.poller.unregister(conn.sock)
            self._turn_away(conn, 408 if conn.gathered else 0)
        while self.leaving and self.leaving[0][0] <= now:
            self._hang_up(self.leaving.popleft()[1])

    def handle_request(self, req: Any, conn: Connection) -> Any:
        req.should_close = partial(is_last, req)
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, fs: Any) -> None:
        self.large -= conn.is_large
        conn.is_large = False
        super().finish_request(conn, fs)
        if self.waiting and self._has_room():
            self._hand_over(self.waiting.popleft())

    def say_goodbye(self, sock: Line) -> None:
        """RFC 9112, section 9.6, without waiting for it: what is still sent to us is taken, lest the answer be lost."""
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
        except OSError:
            sock.close()
            return
        self.leaving.append((time.monotonic() + self.goodbye_seconds, sock))
        self.poller.register(sock, selectors.EVENT_READ, partial(self._discard, [0]))

    def _discard(self, taken: list[int], sock: Line) -> None:
        more = sock.there()
        taken[0] += len(more or b"")
        if more == b"" or taken[0] > MAX_DISCARDED:
            self._hang_up(sock)

    def _hang_up(self, sock: Line) -> None:
        if sock.fileno() >= 0:
            self.poller.unregister(sock)
            sock.close()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Of what is no HTTP nothing is repeated, neither to the client nor in the log."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status = 431 if isinstance(exc, LimitRequestHeaders) else 414 if isinstance(exc, LimitRequestLine) else 400
        self.log.warning("A request that is no HTTP from %s: %s", (addr or ("?",))[0], type(exc).__name__)
        with suppress(OSError):
            client.sendall(refusal(status))
