"""Bearer token authentication (RFC 6750): header only, one query, cached for half a second."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from django.utils import timezone
from oauth2_provider.models import get_access_token_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, ParseError, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from integrations.encryption import hash_token
from integrations.models import Client, Connection

if TYPE_CHECKING:  # the views import this module, as one of REST_FRAMEWORK's defaults
    from rest_framework.views import APIView

TOKEN_CACHE_SECONDS = 0.5
MAX_CACHED_TOKENS = 10_000


@dataclass(frozen=True)
class Caller:
    """The client behind a valid token. The tenant is the token's connection, never a value in the request."""

    client: Client
    scopes: frozenset[str]
    expires_at: datetime

    @property
    def connection(self) -> Connection:
        """Return the company that SmartRecruiters acts for. Use it only behind a scope that engines cannot have."""
        connection: Connection | None = self.client.connection
        if connection is None:
            raise PermissionDenied("This token does not belong to a connection.")
        return connection


def get_caller(request: Request) -> Caller:
    """Return the caller of a request that `HasScope` has permitted."""
    return cast(Caller, request.auth)


_token_cache: dict[str, tuple[float, Caller]] = {}


def _load_caller(checksum: str) -> Caller | None:
    token = (
        get_access_token_model()
        .objects.select_related("application__connection__customer")
        .filter(token_checksum=checksum)
        .first()
    )
    if token is None or token.application is None or not token.application.is_usable():
        return None
    return Caller(token.application, frozenset(token.scope.split()), token.expires)


def find_caller(token: str) -> Caller | None:
    """Return the token's caller; None if it is unknown, expired or revoked, or its connection is disabled."""
    checksum = hash_token(token)
    now = time.monotonic()
    until, caller = _token_cache.get(checksum, (0.0, None))
    if caller is None or until < now:
        caller = _load_caller(checksum)
        if caller is None:
            _token_cache.pop(checksum, None)
            return None
        if len(_token_cache) >= MAX_CACHED_TOKENS:
            _token_cache.clear()
        _token_cache[checksum] = (now + TOKEN_CACHE_SECONDS, caller)
    return caller if caller.expires_at > timezone.now() else None


def find_bearer(header: str) -> Caller | None:
    """Return the caller of an Authorization header with a valid bearer token."""
    scheme, _, token = header.partition(" ")
    return find_caller(token.strip()) if scheme.lower() == "bearer" and 0 < len(token) <= 255 else None


def wait_for_token_cache() -> None:
    """Wait until no process has a token in its cache that was revoked before this call."""
    time.sleep(TOKEN_CACHE_SECONDS)


class BearerAuthentication(BaseAuthentication):
    """Authenticate by one valid token in the header; else 401 with the challenge of RFC 6750, section 3."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if header.partition(" ")[0].lower() != "bearer":
            return None
        if "access_token" in request.query_params:  # RFC 6750, section 2: one method, and never the URL
            raise ParseError("Send the token only in the Authorization header.", code="invalid_request")
        caller = find_bearer(header)
        if caller is None:
            request.challenge = 'Bearer error="invalid_token"'  # type: ignore[attr-defined]
            raise AuthenticationFailed("The token is unknown, expired or revoked: request a new one.")
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        return getattr(request, "challenge", 'Bearer realm="portal"')


class HasScope(BasePermission):
    """Require the view's `required_scope`. A view without one refuses every request."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, Caller):
            raise NotAuthenticated("Send a bearer token in the Authorization header.")
        needed: str | None = getattr(view, "required_scope", None)
        if needed is None or needed not in request.auth.scopes:
            error = PermissionDenied(f"The token lacks the scope {needed}.", code="insufficient_scope")
            error.auth_header = f'Bearer error="insufficient_scope", scope="{needed}"'  # type: ignore[attr-defined]
            raise error
        return True
