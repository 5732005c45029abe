"""The connections behind the door: not a byte after the deadline, none to a private address.

`requests` counts its time-outs anew at every byte: a server that sends one a second would be read for ever, a name
with twenty dead addresses tried for minutes. So every wait here ends with the call's own time, which `begin` sets.
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
    ends_at = 0.0
    not_after = math.inf
    has_sent = False
    first_byte_callback: Callable[[], None] | None = None


call_state = CallState()


class PrivateIpError(Exception):
    """The name leads to addresses that are not public."""


class DeadlineExceededError(Exception):
    """The deadline passed before anything of weight went out."""


def start_deadline(seconds: float) -> None:
    """From now on, this thread's call has so much time."""
    call_state.ends_at, call_state.has_sent = min(time.monotonic() + seconds, call_state.not_after), False


def remaining_seconds() -> float:
    return call_state.ends_at - time.monotonic()


def has_sent() -> bool:
    """Has a byte of this thread's call gone out, so that it may have had its effect?"""
    return call_state.has_sent


@contextlib.contextmanager
def cap_deadline(not_after: float) -> Iterator[None]:
    """This thread's call ends by then, a time of the monotonic clock, however late it begins: a file may have to be
    read first, or the process be stopped."""
    call_state.not_after = not_after
    try:
        yield
    finally:
        call_state.not_after = math.inf


@contextlib.contextmanager
def on_first_byte(callback: Callable[[], None]) -> Iterator[None]:
    """`going_out` is called right before the first byte of this thread's call."""
    call_state.first_byte_callback = callback
    try:
        yield
    finally:
        call_state.first_byte_callback = None


class DeadlineReader(io.RawIOBase):
    """What comes over a socket, as long as there is time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self.raw, self.sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = remaining_seconds()
        if seconds <= 0:
            raise TimeoutError("the answer did not end in time")
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
    is_public_only = False
    buffered_parts: list[bytes] | None = None
    """While a request is put together."""

    def _new_conn(self) -> socket.socket:
        """To the address that was looked at, so that no second look-up leads elsewhere."""
        name, failure = self._dns_host, None
        try:
            for address in self._resolve_ips(name):
                self._dns_host, self.timeout = address, max(0.001, min(CONNECT_SECONDS, remaining_seconds()))
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                if remaining_seconds() <= 0:
                    break
        finally:
            self._dns_host = name
        raise failure or NewConnectionError(self, "the name leads nowhere")

    def _resolve_ips(self, name: str) -> list[str]:
        try:
            found = socket.getaddrinfo(name.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            known = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(name, self, known) from None
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        allowed = [address for address in addresses if not self.is_public_only or is_public_ip(address)]
        if addresses and not allowed:
            raise PrivateIpError
        return allowed

    def request(self, *args: Any, **options: Any) -> None:
        """Head and body go out together: no other thread's work comes between them."""
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
        """Looked at right before the socket is written to: a process that was stopped in between, past its lease, must
        not come back and write over what its successor has sent (RELIABILITY.md, section 4, decision 6)."""
        if self.sock is None:
            self.connect()
        if call_state.first_byte_callback and not call_state.has_sent:
            call_state.first_byte_callback()
        if remaining_seconds() <= 0:
            self.close()
            raise TimeoutError("the request did not end in time") if call_state.has_sent else DeadlineExceededError
        call_state.has_sent = True
        self.sock.settimeout(remaining_seconds())
        self.send(chunk)


class HTTPConnection(DeadlineConnection):
    pass


class HTTPSConnection(DeadlineConnection, urllib3.connection.HTTPSConnection):
    pass


class PublicHTTPConnection(HTTPConnection):
    is_public_only = True


class PublicHTTPSConnection(HTTPSConnection):
    is_public_only = True
