"""WSGI entry point."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.server.preflight import read_settings
from config.server.request_body import BODY_ERROR
from config.server.wsgi_request import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
read_settings()

django_application = get_wsgi_application()
django_application.request_class = Utf8Request

from config.server import admission  # noqa: E402  (imports models, which need the settings)


class Application:
    """Django's application, and what the worker asks about a request before it reads a large body."""

    judge_large_body: Callable[[dict[str, Any]], int] = staticmethod(admission.judge_large_body)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if error := getattr(environ["wsgi.input"], "error", 0):
            environ[BODY_ERROR] = error
        return django_application(environ, start_response)


application = Application()
