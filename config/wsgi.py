"""WSGI entry point."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.server.preflight import read_settings
from config.server.request_body import read_body
from config.server.wsgi_request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
read_settings()

django_application = get_wsgi_application()
django_application.request_class = Utf8Request


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    read_body(environ)
    return django_application(environ, start_response)
