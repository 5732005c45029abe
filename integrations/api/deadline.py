"""Database deadline for requests of SmartRecruiters (fault D19 in tests/reliability/README.md)."""

import time
from collections.abc import Callable
from typing import Any

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse

DEADLINE_SECONDS = 3.0
PATH_PREFIXES = ("/smartrecruiters/", "/oauth/")


class DatabaseDeadlineMiddleware:
    """Refuse further database queries after DEADLINE_SECONDS, so that the request is answered 503 and rolled back.

    PostgreSQL's statement timeouts do not cover a slow network. SQLite needs no deadline: it waits only for locks.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if connection.vendor == "sqlite" or not request.path.startswith(PATH_PREFIXES):
            return self.get_response(request)
        ends = time.monotonic() + DEADLINE_SECONDS

        def check_deadline(execute: Callable[..., Any], *query: Any) -> Any:
            if time.monotonic() > ends:
                raise OperationalError("the database is too slow")
            return execute(*query)

        with connection.execute_wrapper(check_deadline):
            return self.get_response(request)
