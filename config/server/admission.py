"""Who may send a large body: callers with a valid token on API routes, and people who are signed in on pages.

Everybody else is refused before the body is read, so that strangers cannot fill the disk.
"""

from typing import Any

import structlog
from django.conf import settings
from django.core.handlers.wsgi import get_path_info
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.http import parse_cookie

from integrations.accounts.sessions import is_signed_in
from integrations.api.authentication import find_bearer
from integrations.api.errors import is_api_path

log = structlog.get_logger(__name__)


def judge_large_body(environ: dict[str, Any]) -> int:
    """Return the status to refuse a body with that is larger than strangers may send, or 0.

    This is no authentication: the view authenticates the whole request.
    """
    close_old_connections()
    try:
        if is_api_path(get_path_info(environ)):
            return 0 if find_bearer(environ.get("HTTP_AUTHORIZATION", "")) else 401
        cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
        return 0 if is_signed_in(cookies.get(settings.SESSION_COOKIE_NAME, "")) else 413
    except (DatabaseError, InterfaceError) as error:
        log.warning("database busy", error=type(error).__name__)
        return 503
    finally:
        close_old_connections()
