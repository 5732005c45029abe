"""Channels of the outbox's streams to SmartRecruiters: credentials and access tokens of a connection and the vendor."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction

from integrations.connections import lifecycle, partner_configuration
from integrations.encryption import DecryptionError
from integrations.http.client import CallFailedError, Response
from integrations.models import Connection, PartnerConfiguration
from integrations.outbox import clock, deliveries
from integrations.outbox.handlers import Call, Channel, UndeliverableError
from integrations.outbox.models import Stream
from integrations.smartrecruiters import responses

RENEW_BEFORE = timedelta(seconds=30)


def _renewal_time(seconds: int) -> datetime:
    """Return the renewal time of a token: RENEW_BEFORE its end, but not before 80 % of its life."""
    return clock.now() + max(timedelta(seconds=seconds) - RENEW_BEFORE, timedelta(seconds=seconds * 0.8))


@contextmanager
def _translate_decryption_errors() -> Iterator[None]:
    """Treat credentials that cannot be decrypted as a failed call, not as refused: deliveries wait for the key."""
    try:
        yield
    except DecryptionError as error:
        raise CallFailedError(str(error), may_have_been_processed=False) from None


class TokenChannel(Channel):
    """Channel with an access token, stored encrypted in the fields `{token_field}_…` of a row."""

    needs_token = True
    token_field: ClassVar[str]

    def get_row(self, stream: Stream) -> Connection | PartnerConfiguration:
        raise NotImplementedError

    def stored_token(self, stream: Stream) -> str:
        row = self.get_row(stream)
        expires_at = getattr(row, f"{self.token_field}_expires_at")
        if expires_at is None or expires_at <= clock.now():
            return ""
        try:
            return str(getattr(row, self.token_field))
        except DecryptionError:
            return ""  # then a new one is requested

    def store_token(self, stream: Stream, response: Response) -> str:
        token, seconds = responses.parse_token(response)
        row, expiry_field = self.get_row(stream), f"{self.token_field}_expires_at"
        setattr(row, self.token_field, token)
        setattr(row, expiry_field, _renewal_time(seconds))
        row.save(update_fields=[f"{self.token_field}_sealed", expiry_field])
        return token

    def invalidate_token(self, stream: Stream) -> None:
        row = self.get_row(stream)
        setattr(row, self.token_field, "")
        row.save(update_fields=[f"{self.token_field}_sealed"])


class ConnectionChannel(TokenChannel):
    """Channel for all calls to one customer's company, with the credentials that SmartRecruiters issued for it."""

    kind = "connection"
    peer_name = "SmartRecruiters"
    token_field = "access_token"  # noqa: S105  (a column's name)

    def get_row(self, stream: Stream) -> Connection:
        return Connection.objects.get(pk=stream.owner_id)

    def build_token_call(self, stream: Stream) -> Call:
        connection = self.get_row(stream)
        if not connection.their_client_id and connection.state in lifecycle.IN_PROGRESS_STATES:
            raise CallFailedError(
                "SmartRecruiters' credentials for this company have not arrived yet", may_have_been_processed=False
            )
        if not connection.their_client_id:
            raise UndeliverableError(
                "SmartRecruiters' credentials for this company are missing. The customer must connect again."
            )
        with _translate_decryption_errors():
            secret = connection.their_client_secret
        return Call.from_request(partner_configuration.build_api().get_token(connection.their_client_id, secret))

    def credentials_id(self, stream: Stream) -> str:
        return self.get_row(stream).their_client_secret_sealed

    @transaction.atomic
    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        connection = Connection.objects.select_for_update().get(pk=stream.owner_id)
        if credentials_id in (None, connection.their_client_secret_sealed):
            lifecycle.require_reconnect(connection, reason)


class MasterChannel(TokenChannel):
    """Channel for calls with the vendor's master credentials: the exchange of credentials only."""

    kind = "master"
    peer_name = "SmartRecruiters"
    token_field = "master_token"  # noqa: S105  (a column's name)
    lease_seconds = 90

    def get_row(self, stream: Stream) -> PartnerConfiguration:
        return PartnerConfiguration.load()

    def build_token_call(self, stream: Stream) -> Call:
        with _translate_decryption_errors():
            client_id, secret = partner_configuration.get_master_credentials()
        if not client_id or not secret:
            raise UndeliverableError(partner_configuration.MASTER_CREDENTIALS_MISSING)
        return Call.from_request(partner_configuration.build_api().get_token(client_id, secret))

    def credentials_id(self, stream: Stream) -> str:
        return self.get_row(stream).master_client_secret_sealed

    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        if credentials_id in (None, self.credentials_id(stream)):
            deliveries.hold_stream(stream.name, reason)
