"""Bodies of requests, which the event loop collects before a thread gets the request.

A body that ends before its Content-Length or its last chunk is no request (RFC 9112, section 8). Django cannot tell:
its multipart parser takes what came for the whole form, so half an upload would be carried out, and would claim its
idempotency key. Such a body has an `error`, and `config.middleware.IncompleteBodyMiddleware` answers.
"""

import re
import tempfile
from typing import Protocol

from gunicorn.http.body import CHUNK_EXT_RE

MAX_BODY = 13 * 1024 * 1024  # a report of 10 MB with its form, or 12 MB of anything else
MAX_IN_MEMORY = 72 * 1024  # more is on disk, and is read from callers who authenticated only (worker.py)
BODY_ERROR = "portal.body_error"
MAX_CHUNK_LINE = 256  # else a byte of content could cost the client kilobytes of extensions, and this process the CPU
MAX_TRAILERS = 8 * 1024
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})" + CHUNK_EXT_RE.pattern)
TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")


class MalformedChunkError(Exception):
    """The body is not in the chunked coding, so nobody knows where the next request begins."""


class Framing(Protocol):
    """Where the body ends. `take` removes from the buffer what belongs to it, and returns the content therein."""

    is_complete: bool

    def take(self, buffer: bytearray) -> bytes: ...


class LengthFraming:
    def __init__(self, length: int) -> None:
        self.missing = length
        self.is_complete = not length

    def take(self, buffer: bytearray) -> bytes:
        content = bytes(buffer[: self.missing])
        del buffer[: len(content)]
        self.missing -= len(content)
        self.is_complete = not self.missing
        return content


class ChunkedFraming:
    """The chunked coding (RFC 9112, section 7.1), as strict as gunicorn's, which blocks until the body is there."""

    is_complete = False

    def __init__(self) -> None:
        self._missing = 0  # of the current chunk
        self._take_line = self._take_size
        self._trailers_length = 0

    def take(self, buffer: bytearray) -> bytes:
        content, position = bytearray(), 0
        while not self.is_complete:
            piece = buffer[position : position + self._missing]
            content += piece
            position += len(piece)
            self._missing -= len(piece)
            end = buffer.find(b"\n", position, position + MAX_TRAILERS)
            if self._missing or end < 0:
                break
            if buffer[position:end][-1:] != b"\r":  # a bare LF ends a line for some proxies, and not for others
                raise MalformedChunkError
            self._take_line(bytes(buffer[position : end - 1]))
            position = end + 1
        del buffer[:position]
        if not self._missing and len(buffer) > MAX_TRAILERS and not self.is_complete:
            raise MalformedChunkError
        return bytes(content)

    def _take_size(self, line: bytes) -> None:
        found = CHUNK_SIZE.fullmatch(line)
        if not found or len(line) > MAX_CHUNK_LINE:
            raise MalformedChunkError
        self._missing = int(found[1], 16)
        self._take_line = self._take_end_of_chunk if self._missing else self._take_trailer

    def _take_end_of_chunk(self, line: bytes) -> None:
        if line:
            raise MalformedChunkError
        self._take_line = self._take_size

    def _take_trailer(self, line: bytes) -> None:
        """Discard trailers: nothing reads them, and headers that come after the body would be smuggled ones."""
        self.is_complete = not line
        self._trailers_length += len(line)
        if (line and not TRAILER.fullmatch(line)) or self._trailers_length > MAX_TRAILERS:
            raise MalformedChunkError


class RequestBody(tempfile.SpooledTemporaryFile[bytes]):
    """Body of a request, as a file that becomes `wsgi.input`. `error` is the status of its refusal, or 0."""

    def __init__(self, length: int | None) -> None:
        """Begin a body of this length, or one in chunks."""
        super().__init__(MAX_IN_MEMORY)
        self._framing: Framing = ChunkedFraming() if length is None else LengthFraming(length)
        self.announced = length or 0
        self.size = 0
        self.error = 0

    @property
    def is_large(self) -> bool:
        return max(self.announced, self.size) > MAX_IN_MEMORY

    @property
    def is_complete(self) -> bool:
        return bool(self.error) or self._framing.is_complete

    def feed(self, buffer: bytearray) -> int:
        """Move what belongs to the body from the buffer to the file, and return the number of bytes of content."""
        try:
            content = self._framing.take(buffer)
        except MalformedChunkError:
            self.error = 400
            return 0
        self.size += self.write(content)
        if self.size > MAX_BODY:
            self.error = 413
        return len(content)
