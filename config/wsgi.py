"""WSGI entry point."""

import io
import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.server.preflight import read_settings
from config.server.wsgi_request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
read_settings()

django_application = get_wsgi_application()
django_application.request_class = Utf8Request
MAX_CHUNKED_BYTES = 11 * 1024 * 1024


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    add_content_length(environ)
    return django_application(environ, start_response)


def add_content_length(environ: dict[str, Any]) -> None:
    """Set the length of a chunked body, which Django would take for an empty one.

    SmartRecruiters may send chunks. With other codings beside `chunked` the body is not JSON and is rejected; an empty
    body would count as `{}`.
    """
    if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
        body = environ["wsgi.input"].read(MAX_CHUNKED_BYTES + 1)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
