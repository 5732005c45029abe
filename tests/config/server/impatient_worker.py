"""The gunicorn worker with short deadlines, and an application that describes the request."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from config.server.worker import BufferingWorker

LARGE = 3_000_000


class HastyWorker(BufferingWorker):
    head_seconds = 0.6
    pace_seconds = 0.8
    linger_seconds = 0.3


class ThriftyWorker(HastyWorker):
    max_spooled = 4_000_000
    pace_seconds = 60.0


class Application:
    """Answer by path; by default with the body's length and digest."""

    def judge_large_body(self, environ: dict[str, Any]) -> int:
        return 0 if "HTTP_AUTHORIZATION" in environ else 401

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, content = "200 OK", b""
        if error := environ["wsgi.input"].error:
            status = f"{error} Refused"
        elif "environ" in environ["PATH_INFO"]:
            names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "wsgi.url_scheme")
            content = json.dumps({name: environ[name] for name in names}).encode()
        elif environ["PATH_INFO"] == "/large":
            content = b"x" * LARGE
        elif environ["PATH_INFO"] == "/unread":
            status = "413 Content Too Large"
        elif environ["PATH_INFO"] == "/stream":
            start_response(status, [])
            return produce()
        elif environ["PATH_INFO"] == "/failing-stream":
            start_response(status, [("Content-Length", str(LARGE))])
            return produce(fails=True)
        elif environ["PATH_INFO"] == "/file":
            start_response(status, [("Content-Length", str(LARGE))])
            file = tempfile.TemporaryFile()  # noqa: SIM115  (gunicorn closes it)
            file.write(b"before" + b"f" * LARGE + b"after")
            file.seek(len(b"before"))
            wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
            return wrapped
        else:
            body = environ["wsgi.input"].read()
            content = f"{environ['REQUEST_METHOD']} {len(body)} {hashlib.sha256(body).hexdigest()}".encode()
        start_response(status, [("Content-Length", str(len(content)))])
        return [content]


def produce(*, fails: bool = False) -> Iterator[bytes]:
    for _ in range(3):
        yield b"s" * (LARGE // 3)
        if fails:
            raise RuntimeError("half-way")


application = Application()
