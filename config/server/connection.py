"""Connection whose next request the event loop collects."""

from contextlib import suppress
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from gunicorn.workers.gthread import TConn

from config.server.refusals import RefusedRequestError
from config.server.request_body import MAX_BODY, RequestBody
from config.server.response_buffer import ResponseBuffer

MAX_HEAD = 128 * 1024
HEAD_END = b"\r\n\r\n"
MAX_RECEIVED = 128 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TLS_HANDSHAKE = b"\x16"  # the first byte of a TLS client; no method of HTTP begins with it
TLS_ON_PLAIN_PORT = "This port speaks plain HTTP, not TLS: connect to the port of the proxy that does."


class Connection(TConn):
    """Connection of a client. The event loop alone uses its socket; threads have `request`, `body` and `response`.

    At the `deadline` the client must have `moved` enough bytes, sent or read, to get another one.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.deadline = 0.0
        self.buffer = bytearray()
        self.is_pipelined = False
        self.keeps_alive = True
        self.is_closing = False
        self.discarded = 0  # bytes received after the last response
        self.start_request()

    def start_request(self) -> None:
        """Begin with the next request. The buffer has some of it if the client did not wait for the last response."""
        self.is_pipelined = bool(self.buffer)
        self.request: Any = None
        self.body = RequestBody(0)
        self.response = ResponseBuffer()
        self.is_admitted = False  # a large body may be read
        self.awaits_continue = False
        self.moved = 0
        self._searched = 0

    @property
    def needs_admission(self) -> bool:
        return self.body.is_large and not self.is_admitted

    @property
    def spooled_bytes(self) -> int:
        """Return how much memory and disk the connection takes."""
        return len(self.buffer) + self.body.size + self.response.spooled_bytes

    def receive(self) -> bool:
        """Receive what there is. Return False if the client will send no more. Raises OSError if it is gone."""
        try:
            more = self.sock.recv(MAX_RECEIVED)
        except BlockingIOError:
            return True
        self.buffer += more
        return bool(more)

    def parse(self) -> bool:
        """Parse what was received. Return True if a thread should have the request: it is whole, or needs admission.

        Raises RefusedRequestError, or OSError if the body cannot be stored.
        """
        if self.request is None:
            self._parse_head()
        if self.request is None:
            return False
        if not self.needs_admission:
            self.moved += self.body.feed(self.buffer)
        return self.body.is_complete or self.needs_admission

    def _parse_head(self) -> None:
        if self.buffer[:1] == TLS_HANDSHAKE:  # it waits for our part of the handshake, and would until the deadline
            raise RefusedRequestError(400, TLS_ON_PLAIN_PORT)
        # The end may be split between two reads. Searching from the start would cost quadratic time.
        end = self.buffer.find(HEAD_END, max(0, self._searched - len(HEAD_END) + 1))
        self._searched = len(self.buffer)
        if end >= 0:
            head = bytes(self.buffer[: end + len(HEAD_END)])
            del self.buffer[: len(head)]
            request = self._parse_request(head)
            reader = request.body.reader
            length = None if isinstance(reader, ChunkedReader) else int(reader.length)
            if (length or 0) > MAX_BODY:
                raise RefusedRequestError(413)
            self.request, self.body = request, RequestBody(length)
            # Only the event loop knows when to tell it; gunicorn would in a thread.
            self.awaits_continue, request._expected_100_continue = request._expected_100_continue, False
        elif len(self.buffer) > MAX_HEAD:
            raise RefusedRequestError(431)

    def _parse_request(self, head: bytes) -> Request:
        unreader = IterUnreader([head])
        try:
            request = Request(self.cfg, unreader, self.client)
        except LimitRequestLine:
            raise RefusedRequestError(414) from None
        except LimitRequestHeaders:
            raise RefusedRequestError(431) from None
        except (ParseException, NoMoreData):
            raise RefusedRequestError(400) from None
        if unreader.take_buffered():  # for the parser the head ends elsewhere: what follows would be smuggled
            raise RefusedRequestError(400)
        return request

    def send_continue(self) -> None:
        """Tell a client that waits for it to send the body (RFC 9110, section 10.1.1)."""
        if self.awaits_continue:
            self.awaits_continue = False
            with suppress(OSError):  # it sends its body after a while anyway, or is gone
                self.sock.send(CONTINUE)

    def complete_request(self) -> Request:
        """Return the request with its body, as if that had come with a Content-Length (RFC 9112, section 7.1.3)."""
        request, body = self.request, self.body
        if body.error:
            request.force_close()  # nobody knows where the next request begins
        body.seek(0)
        request.body = body
        headers = [(name, value) for name, value in request.headers if name != "TRANSFER-ENCODING"]
        if len(headers) < len(request.headers):
            request.headers = [*headers, ("CONTENT-LENGTH", str(body.size))]
        return request

    def release_files(self) -> None:
        self.body.close()
        self.response.close()
        self.body, self.response = RequestBody(0), ResponseBuffer()
