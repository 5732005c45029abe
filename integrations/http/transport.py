"""Transport of the HTTP client: one total deadline per call (against slowloris) and SSRF protection.

`requests` restarts its timeouts with every byte and every IP address: a server that sends a byte a second would keep a
thread for ever. Here every wait ends at the thread's own deadline, set by `start_deadline`.
"""

import contextlib
import http.client
import io
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from integrations.http.ip_addresses import is_public_ip

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
CHUNK_SIZE = 64 * 1024


class CallState(threading.local):
    """The call that this thread makes. Times are monotonic."""

    ends_at = 0.0
    not_after = math.inf
    has_sent = False
    is_public_only = False
    first_byte_callback: Callable[[], None] | None = None


call_state = CallState()


class PrivateIpError(Exception):
    """The host has no public IP address."""


class DeadlineExceededError(Exception):
    """The deadline passed before a byte of the request was sent."""


def start_deadline(seconds: float, *, public_only: bool = False) -> None:
    """Start this thread's call, with this many seconds in all and, if `public_only`, to public IP addresses only."""
    call_state.ends_at, call_state.has_sent = min(time.monotonic() + seconds, call_state.not_after), False
    call_state.is_public_only = public_only


def remaining_seconds() -> float:
    return call_state.ends_at - time.monotonic()


def has_sent() -> bool:
    """Return True if this thread's call has sent a byte, so that it may have been processed."""
    return call_state.has_sent


@contextlib.contextmanager
def call_options(*, not_after: float = math.inf, on_first_byte: Callable[[], None] | None = None) -> Iterator[None]:
    """End this thread's calls by a monotonic time, however late they start and run a callback before a byte is sent."""
    call_state.not_after, call_state.first_byte_callback = not_after, on_first_byte
    try:
        yield
    finally:
        call_state.not_after, call_state.first_byte_callback = math.inf, None


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until the deadline, whatever the pace of the bytes."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self.raw, self.sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = remaining_seconds()
        if seconds <= 0:
            raise TimeoutError("the response did not end in time")
        self.sock.settimeout(min(READ_SECONDS, seconds))
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(DeadlineReader(self.fp.detach(), sock))


class DeadlineConnection(urllib3.connection.HTTPConnection):
    response_class = DeadlineResponse
    """Connects, sends and receives before the deadline, and only to IP addresses that the call allows."""

    buffered_parts: list[bytes] | None = None  # the parts of a request that is being built

    def _new_conn(self) -> socket.socket:
        """Connect to an IP address that was checked, without a second look-up (DNS rebinding)."""
        name, failure = self._dns_host, None
        try:
            for ip in self._resolve_ips(name):
                # urllib3 restarts its timeout for each IP address, so what remains of the deadline is divided here.
                self._dns_host, self.timeout = ip, max(0.001, min(CONNECT_SECONDS, remaining_seconds()))
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                if remaining_seconds() <= 0:
                    break
        finally:
            self._dns_host = name
        raise failure or NewConnectionError(self, "the host name has no IP address")

    def _resolve_ips(self, name: str) -> list[str]:
        try:
            resolved = socket.getaddrinfo(name.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            reason = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(name, self, reason) from None
        ips = list(dict.fromkeys(str(place[0]) for *_, place in resolved))
        allowed = [ip for ip in ips if not call_state.is_public_only or is_public_ip(ip)]
        if ips and not allowed:
            raise PrivateIpError
        return allowed

    def request(self, *args: Any, **options: Any) -> None:
        """Send head and body together, so that the check of the deadline is followed by all of a small request."""
        self.buffered_parts = []
        try:
            super().request(*args, **options)
            whole = memoryview(b"".join(self.buffered_parts))
        finally:
            self.buffered_parts = None
        for at in range(0, len(whole), CHUNK_SIZE):
            self._send_chunk(whole[at : at + CHUNK_SIZE])

    def send(self, data: Any) -> None:
        if self.buffered_parts is None:
            super().send(data)
        else:
            self.buffered_parts.append(data)

    def _send_chunk(self, chunk: memoryview) -> None:
        # Connecting may take seconds, so it comes first: between the check below and the write nothing waits.
        if self.sock is None:
            self.connect()
        if call_state.first_byte_callback and not call_state.has_sent:
            call_state.first_byte_callback()
        # The other side cannot check our fencing token. A process that was stopped past its lease must find its time
        # used up here, before the first byte, or it would overwrite what its successor has sent.
        if remaining_seconds() <= 0:
            self.close()
            raise TimeoutError("the request did not end in time") if call_state.has_sent else DeadlineExceededError
        call_state.has_sent = True
        self.sock.settimeout(remaining_seconds())
        self.send(chunk)


class DeadlineTLSConnection(DeadlineConnection, urllib3.connection.HTTPSConnection):
    pass


class DeadlinePool(urllib3.HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class DeadlineTLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = DeadlineTLSConnection
