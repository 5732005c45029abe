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
PART = 64 * 1024


class Local(threading.local):
    ends = 0.0
    latest = math.inf
    has_sent = False
    going_out: Callable[[], None] | None = None


local = Local()


class PrivateAddress(Exception):
    """The name leads to addresses that are not public."""


class TooLate(Exception):
    """The deadline passed before anything of weight went out."""


def begin(seconds: float) -> None:
    """From now on, this thread's call has so much time."""
    local.ends, local.has_sent = min(time.monotonic() + seconds, local.latest), False


def left() -> float:
    return local.ends - time.monotonic()


def has_sent() -> bool:
    """Has a byte of this thread's call gone out, so that it may have had its effect?"""
    return local.has_sent


@contextlib.contextmanager
def until(latest: float) -> Iterator[None]:
    """This thread's call ends by then, a time of the monotonic clock, however late it begins: a file may have to be
    read first, or the process be stopped."""
    local.latest = latest
    try:
        yield
    finally:
        local.latest = math.inf


@contextlib.contextmanager
def watched(going_out: Callable[[], None]) -> Iterator[None]:
    """`going_out` is called right before the first byte of this thread's call."""
    local.going_out = going_out
    try:
        yield
    finally:
        local.going_out = None


class Timely(io.RawIOBase):
    """What comes over a socket, as long as there is time."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self.raw, self.sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = left()
        if seconds <= 0:
            raise TimeoutError("the answer did not end in time")
        self.sock.settimeout(min(READ_SECONDS, seconds))
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(Timely(self.fp.detach(), sock))


class InTime(urllib3.connection.HTTPConnection):
    response_class = Response
    only_public = False
    unsent: list[bytes] | None = None
    """While a request is put together."""

    def _new_conn(self) -> socket.socket:
        """To the address that was looked at, so that no second look-up leads elsewhere."""
        name, failure = self._dns_host, None
        try:
            for address in self._addresses(name):
                self._dns_host, self.timeout = address, max(0.001, min(CONNECT_SECONDS, left()))
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError) as error:
                    failure = error
                if left() <= 0:
                    break
        finally:
            self._dns_host = name
        raise failure or NewConnectionError(self, "the name leads nowhere")

    def _addresses(self, name: str) -> list[str]:
        try:
            found = socket.getaddrinfo(name.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            known = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
            raise NameResolutionError(name, self, known) from None
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        allowed = [address for address in addresses if not self.only_public or is_public_ip(address)]
        if addresses and not allowed:
            raise PrivateAddress
        return allowed

    def request(self, *args: Any, **options: Any) -> None:
        """Head and body go out together: no other thread's work comes between them."""
        self.unsent = []
        try:
            super().request(*args, **options)
            whole = memoryview(b"".join(self.unsent))
        finally:
            self.unsent = None
        for at in range(0, len(whole), PART):
            self._write(whole[at : at + PART])

    def send(self, data: Any) -> None:
        if self.unsent is None:
            super().send(data)
        else:
            self.unsent.append(data)

    def _write(self, part: memoryview) -> None:
        """Looked at right before the socket is written to: a process that was stopped in between, past its lease, must
        not come back and write over what its successor has sent (RELIABILITY.md, section 4, decision 6)."""
        if self.sock is None:
            self.connect()
        if local.going_out and not local.has_sent:
            local.going_out()
        if left() <= 0:
            self.close()
            raise TimeoutError("the request did not end in time") if local.has_sent else TooLate
        local.has_sent = True
        self.sock.settimeout(left())
        self.send(part)


class HTTPConnection(InTime):
    pass


class HTTPSConnection(InTime, urllib3.connection.HTTPSConnection):
    pass


class PublicHTTPConnection(HTTPConnection):
    only_public = True


class PublicHTTPSConnection(HTTPSConnection):
    only_public = True
