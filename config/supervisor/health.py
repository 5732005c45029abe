import http.client
import re

HEALTHY_STATUSES = range(200, 400)
TIMEOUT = 2.0


def is_healthy(host: str, port: int, *, name: str) -> bool:
    """Whether GET /healthz is answered well at `host:port`, asked under the public `name`."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz", headers={"Host": name, "Connection": "close"})
        return connection.getresponse().status in HEALTHY_STATUSES
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def extract_host(url: str) -> str:
    """The Host header for an origin."""
    return re.sub(r"^https?://", "", url).rstrip("/")
