"""Token requests as django-oauth-toolkit validates them: client credentials only."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidScopeError

from integrations.models import Client
from integrations.oauth.credentials import parse_client_credentials
from integrations.oauth.hashers import RandomSecretHasher

SCOPE_ALIASES = {"orders_manage": "orders_modify"}
DUMMY_SECRET_HASH = RandomSecretHasher().encode("")


class ClientCredentialsValidator(OAuth2Validator):
    """Grant client credentials with the client's own scopes, all of them by default."""

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        """Check id and secret. An unknown client costs the same as a wrong secret (timing): one query and one hash."""
        client_id, secret = parse_client_credentials(
            request.headers.get("HTTP_AUTHORIZATION", ""), request.decoded_body
        )
        client = Client.objects.select_related("connection").filter(client_id=client_id).first()
        matches = self._check_secret(secret, client.client_secret if client else DUMMY_SECRET_HASH)
        if client is None or not matches or not client.is_usable(request):
            return False
        request.client = client
        return True

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        scopes: list[str] = request.client.scopes.split()
        return scopes

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Grant requested scopes once each. An empty scope counts as omitted (RFC 6749, section 3.2).

        Raises InvalidScopeError, which names the client's scopes and not the requested ones.
        """
        own = request.client.scopes.split()
        requested = [SCOPE_ALIASES.get(scope, scope) for scope in scopes if scope] or own
        request.scopes = list(dict.fromkeys(requested))
        if not set(request.scopes) <= set(own):
            description = f"This client has the scopes {' '.join(own)}: send some of them, or no scope for all."
            raise InvalidScopeError(description, request=request)
        return True
