"""Malware scanner: ClamAV's daemon and its INSTREAM protocol (clamd(8)). Without CLAMAV_URL, files are not scanned."""

import re
import socket
import threading
import time

from django.conf import settings

Address = str | tuple[str, int]  # of a socket of this machine, or host and port
CONNECT_SECONDS = 2.0
SCAN_SECONDS = 10.0  # in all; a file of 10 MB takes some 0.3 s
PING_SECONDS = 1.0
# A scanner that hangs must not hold every thread of a process: SmartRecruiters' calls need one.
MAX_SCANS = 2
WAIT_SECONDS = 1.0
MAX_REPLY_SIZE = 4096
PING_REPLY = "PONG"
CLEAN_REPLY = "stream: OK"
FOUND_REPLY = re.compile(r"stream: ([!-~]{1,200}) FOUND")

_scans = threading.BoundedSemaphore(MAX_SCANS)


class MalwareFoundError(Exception):
    """The scanner knows the content. The message is the name of its signature."""


class ScannerUnavailableError(Exception):
    """The scanner gave no verdict. The message is the end of a sentence that starts with "The malware scanner"."""


def scan(content: bytes) -> None:
    """Scan a file. Raises MalwareFoundError, or ScannerUnavailableError if there is no verdict in time.

    Call it outside a transaction: a scan may take seconds.
    """
    address = settings.CLAMAV_ADDRESS
    if address is None:
        return
    if not _scans.acquire(timeout=WAIT_SECONDS):
        raise ScannerUnavailableError("is busy")
    try:
        reply = _ask(address, [b"zINSTREAM\0", len(content).to_bytes(4), content, bytes(4)], SCAN_SECONDS)
    finally:
        _scans.release()
    if found := FOUND_REPLY.fullmatch(reply):
        raise MalwareFoundError(found[1])
    if reply != CLEAN_REPLY:
        raise ScannerUnavailableError(f"gave no verdict ({reply[:100] or 'no reply'})")


def find_outage() -> str:
    """Return why the scanner cannot be used, or an empty string."""
    address = settings.CLAMAV_ADDRESS
    if address is None:
        return ""
    try:
        reply = _ask(address, [b"zPING\0"], PING_SECONDS)
    except ScannerUnavailableError as error:
        return f"The malware scanner {error}"
    return "" if reply == PING_REPLY else "The malware scanner gives no answer that clamd would give"


def _ask(address: Address, parts: list[bytes], seconds: float) -> str:
    """Send a command and return the reply, in this many seconds in all. Raises ScannerUnavailableError."""
    ends = time.monotonic() + seconds
    try:
        with _connect(address, min(CONNECT_SECONDS, seconds)) as connection:
            try:
                for part in parts:
                    connection.settimeout(_remaining(ends))
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # clamd says why, unless the reply was lost
            return _read_reply(connection, ends)
    except TimeoutError:
        raise ScannerUnavailableError("does not answer in time") from None
    except OSError as error:
        raise ScannerUnavailableError(f"does not answer ({error.strerror or type(error).__name__})") from None


def _connect(address: Address, seconds: float) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout=seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_reply(connection: socket.socket, ends: float) -> str:
    """Read up to the NUL that ends a reply, or the end of the connection."""
    reply = b""
    while b"\0" not in reply and len(reply) < MAX_REPLY_SIZE:
        connection.settimeout(_remaining(ends))
        received = connection.recv(MAX_REPLY_SIZE)
        if not received:
            break
        reply += received
    return reply.partition(b"\0")[0].decode("ascii", "replace").strip()


def _remaining(ends: float) -> float:
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
