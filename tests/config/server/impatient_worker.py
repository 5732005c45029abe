"""The gunicorn worker with short deadlines, and an application that describes the request."""

import hashlib
import json
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
    """Answer by path; by default with the body's length and digest."""
    if "environ" in environ["PATH_INFO"]:
        names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "wsgi.url_scheme")
        said = json.dumps({name: environ[name] for name in names}).encode()
        start_response("200 OK", [("Content-Length", str(len(said)))])
        return [said]
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
