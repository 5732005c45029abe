"""The gunicorn worker with short deadlines, and an application that describes the request."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from config.server.worker import BufferingWorker


class HastyWorker(BufferingWorker):
    buffer_seconds = 0.6
    read_seconds = 0.8
    response_seconds = 0.8
    linger_seconds = 0.3
    max_queued = 3


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/large` with 20 MB, `/unread` without reading the body, all else with the body's length and digest."""
    if environ["PATH_INFO"] == "/large":
        start_response("200 OK", [("Content-Length", "20000000")])
        return [b"x" * 20_000_000]
    if environ["PATH_INFO"] == "/unread":
        start_response("413 Content Too Large", [("Content-Length", "0")])
        return []
    body = environ["wsgi.input"].read()
    said = f"{environ['REQUEST_METHOD']} {len(body)} {hashlib.sha256(body).hexdigest()}".encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]
