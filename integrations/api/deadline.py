"""SmartRecruiters hears from us within seconds, even where each question to the database takes one (D19)."""

import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse

DEADLINE_SECONDS = 3.0
PATH_PREFIXES = ("/smartrecruiters/", "/oauth/")


class DatabaseDeadlineMiddleware:
    """No further question once the time is over: the request is answered 503, nothing of it is kept.

    A server's own time-outs do not see a slow line. The embedded database has none, and waits for its lock alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection.vendor == "sqlite" or not request.path.startswith(PATH_PREFIXES):
            return self.get_response(request)
        ends = time.monotonic() + DEADLINE_SECONDS

        def check_deadline(execute: Callable[..., Any], *question: Any) -> Any:
            if time.monotonic() > ends:
                raise OperationalError("the database takes too long")
            return execute(*question)

        with connection.execute_wrapper(check_deadline):
            return self.get_response(request)
