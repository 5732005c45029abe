"""Responses between the thread that writes them and the event loop that sends them.

A thread is done when its response is here, so that no client can hold it by not reading.
"""

import os
import socket
from collections import deque
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

MAX_IN_MEMORY = 64 * 1024  # more is on disk, so that a thousand clients who do not read take no memory
PIECE = 64 * 1024
MAX_AT_ONCE = 16 * PIECE  # then the event loop turns to others


@dataclass
class Part:
    """A part of a response: what is unsent of a file, which may be in memory."""

    file: IO[bytes]
    position: int
    end: int

    @property
    def is_spooled(self) -> bool:
        return isinstance(self.file, SpooledTemporaryFile)


class ResponseBuffer:
    """Takes the place of the socket where gunicorn writes the response: bytes, and files from which it is sent."""

    def __init__(self) -> None:
        self._parts: deque[Part] = deque()

    @property
    def unsent_bytes(self) -> int:
        return sum(part.end - part.position for part in self._parts)

    @property
    def spooled_bytes(self) -> int:
        return sum(part.end for part in self._parts if part.is_spooled)

    def sendall(self, content: bytes) -> None:
        if not self._parts or not self._parts[-1].is_spooled:
            self._parts.append(Part(SpooledTemporaryFile(MAX_IN_MEMORY), 0, 0))  # noqa: SIM115  (closed when sent)
        self._parts[-1].end += self._parts[-1].file.write(content)

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        """Add a part of a file. The application closes the file before it is sent, so this opens it once more."""
        again = os.fdopen(os.dup(file.fileno()), "rb")
        self._parts.append(Part(again, offset, offset + count))

    def shutdown(self, _how: int) -> None:
        """Refuse what gunicorn does to end a response that failed half-way. Nothing of it was sent: see `close`."""
        raise OSError("a response has no connection")

    def close(self) -> None:
        while self._parts:
            self._parts.popleft().file.close()

    def send_to(self, sock: socket.socket) -> int:
        """Send what the socket takes without blocking, and return how much that was."""
        sent = 0
        while self._parts and sent < MAX_AT_ONCE:
            part = self._parts[0]
            part.file.seek(part.position)
            piece = part.file.read(min(PIECE, part.end - part.position))
            try:
                count = sock.send(piece) if piece else 0
            except BlockingIOError:
                return sent
            sent += count
            part.position += count
            if part.position == part.end:
                self._parts.popleft().file.close()
            elif not count:
                raise OSError("a file became shorter while it was sent")
        return sent
