"""Health checks of the started processes."""

import http.client
import re

HEALTHY_STATUSES = range(200, 400)
TIMEOUT = 2.0


def is_healthy(host: str, port: int, *, name: str) -> bool:
    """Return True if GET /healthz at `host:port` succeeds, with `name` as the Host header."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Host": name, "Connection": "close"})
        return connection.getresponse().status in HEALTHY_STATUSES
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def extract_host(url: str) -> str:
    return re.sub(r"^https?://", "", url).rstrip("/")
