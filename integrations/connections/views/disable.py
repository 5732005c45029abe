"""Disable endpoint: SmartRecruiters reports that a customer has ended the integration."""

import hmac

import structlog
from django.http import Http404
from oauth2_provider.models import get_access_token_model
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import audit, rate_limits
from integrations.api.authentication import wait_for_token_cache
from integrations.api.refusals import RefusalRecordingView, find_company_id
from integrations.connections import lifecycle
from integrations.encryption import hash_token
from integrations.http.ip_addresses import get_client_network
from integrations.models import Connection, Endpoint, PartnerConfiguration
from integrations.models.connections import ENDED_REMOTELY

log = structlog.get_logger(__name__)


def is_disable_key(key: str) -> bool:
    return hmac.compare_digest(key.encode(), PartnerConfiguration.load().disable_key.encode())


def has_foreign_token(request: Request, connection: Connection) -> bool:
    """Return True if the request has a bearer token, valid or expired, of another company or an engine."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    checksum = hash_token(token.strip())
    token = get_access_token_model().objects.select_related("application").filter(token_checksum=checksum).first()
    return token is not None and (token.application is None or token.application.connection_id != connection.pk)


def record_refusal(request: Request, company_id: str, reason: str) -> None:
    log.warning("disable refused", why=reason, company_id=company_id)
    actor = audit.Actor.from_request(request)
    if rate_limits.is_first("connection.disable_refused", get_client_network(request)):
        audit.record("connection.disable_refused", company_id, actor=actor, why=reason)


class CompanyIntegrationView(RefusalRecordingView):
    """DELETE disables the connection. SmartRecruiters declares no authentication: the key in the URL is the proof."""

    endpoint = Endpoint.DISABLE
    authentication_classes = ()
    permission_classes = ()

    def delete(self, request: Request, key: str, company_id: str) -> Response:
        if not is_disable_key(key):
            record_refusal(request, company_id, "wrong key")
            raise Http404
        connection = Connection.objects.filter(company_id=company_id).order_by("-pk").first()
        if connection is None:
            raise Http404
        if has_foreign_token(request, connection):
            record_refusal(request, company_id, "a token of another company")
            raise PermissionDenied("The token belongs to another company.")
        lifecycle.disable_connection(connection, actor=audit.Actor.from_request(request), reason=ENDED_REMOTELY)
        wait_for_token_cache()
        return Response(status=204)

    def find_company_id(self, request: Request) -> str:
        """Return the company in the URL, if it has a connection: the route is public."""
        connections = Connection.objects.filter(company_id=self.kwargs["company_id"])
        return find_company_id(connections.values_list("company_id", flat=True))
