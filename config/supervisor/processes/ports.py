"""Port checks before the start."""

import errno
import socket
import time

from config.supervisor.errors import StartupError

# A portal that was just killed may still hold the port.
RELEASE_TIMEOUT = 2.0


def require_free_port(host: str, port: int, *, purpose: str) -> None:
    """Raise StartupError if the port cannot be opened."""
    deadline = time.monotonic() + RELEASE_TIMEOUT
    while error := _listening_error(host, port):
        if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
            time.sleep(0.05)
            continue
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} ({purpose}) is in use: stop the process that uses it, or choose another with PORT=…"
        elif error.errno == errno.EACCES:
            reason = f"port {port} ({purpose}) needs root privileges: choose 1024 or higher with PORT=…"
        else:
            reason = f"port {port} ({purpose}) cannot be opened on {host}: {error.strerror}; check BIND"
        raise StartupError(reason)


def _listening_error(host: str, port: int) -> OSError | None:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(1)
    except OSError as error:
        return error
    return None


def has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
