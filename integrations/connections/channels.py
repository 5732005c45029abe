"""The credentials behind the outbox's streams: the master pair, a connection's pair, and none for e-mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

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


def _renewal_time(seconds: int) -> Any:
    """When a token of that life is to be renewed: before its end, but a short-lived one not at once."""
    return clock.now() + max(timedelta(seconds=seconds) - RENEW_BEFORE, timedelta(seconds=seconds * 0.8))


def _valid_token(row: Connection | PartnerConfiguration, name: str) -> str:
    """The token that the row holds, while it is good. One that no key opens is as good as none."""
    expires_at = getattr(row, f"{name}_expires_at")
    if expires_at is None or expires_at <= clock.now():
        return ""
    try:
        token: str = getattr(row, name)
    except DecryptionError:
        return ""
    return token


@contextmanager
def _translate_decryption_errors() -> Iterator[None]:
    """A pair that no key opens is not refused: all waits until the key is back (RELIABILITY.md, S7)."""
    try:
        yield
    except DecryptionError as error:
        raise CallFailedError(str(error), may_have_been_processed=False) from None


class ConnectionChannel(Channel):
    """Their pair: every call for one customer's company."""

    kind = "connection"
    needs_token = True

    def _get_connection(self, stream: Stream) -> Connection:
        return Connection.objects.get(pk=stream.owner_id)

    def stored_token(self, stream: Stream) -> str:
        return _valid_token(self._get_connection(stream), "access_token")

    def build_token_call(self, stream: Stream) -> Call:
        connection = self._get_connection(stream)
        if not connection.their_client_id and connection.state in lifecycle.IN_PROGRESS_STATES:
            raise CallFailedError(
                "SmartRecruiters' pair for this company is still to come", may_have_been_processed=False
            )
        if not connection.their_client_id:
            raise UndeliverableError(
                "SmartRecruiters' pair for this company is not here: the customer has to reconnect."
            )
        with _translate_decryption_errors():
            secret = connection.their_client_secret
        return Call.from_request(partner_configuration.build_api().get_token(connection.their_client_id, secret))

    def store_token(self, stream: Stream, response: Response) -> str:
        token, seconds = responses.parse_token(response)
        connection = self._get_connection(stream)
        connection.access_token, connection.access_token_expires_at = token, _renewal_time(seconds)
        connection.save(update_fields=["access_token_sealed", "access_token_expires_at"])
        return token

    def invalidate_token(self, stream: Stream) -> None:
        Connection.objects.filter(pk=stream.owner_id).update(access_token_sealed="")

    def credentials_id(self, stream: Stream) -> str:
        return self._get_connection(stream).their_client_secret_sealed

    @transaction.atomic
    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        connection = Connection.objects.select_for_update().get(pk=stream.owner_id)
        if credentials_id in (None, connection.their_client_secret_sealed):
            lifecycle.require_reconnect(connection, reason)


class MasterChannel(Channel):
    """The vendor's own pair: the exchange of credentials and nothing else of a customer's (RELIABILITY.md, X10)."""

    kind = "master"
    needs_token = True
    lease_seconds = 90

    def stored_token(self, stream: Stream) -> str:
        return _valid_token(PartnerConfiguration.load(), "master_token")

    def build_token_call(self, stream: Stream) -> Call:
        with _translate_decryption_errors():
            client_id, secret = partner_configuration.get_master_credentials()
        if not client_id or not secret:
            raise UndeliverableError(
                "The master pair is missing: set SMARTRECRUITERS_CLIENT_ID and …_SECRET, or enter it."
            )
        return Call.from_request(partner_configuration.build_api().get_token(client_id, secret))

    def store_token(self, stream: Stream, response: Response) -> str:
        token, seconds = responses.parse_token(response)
        row = PartnerConfiguration.load()
        row.master_token, row.master_token_expires_at = token, _renewal_time(seconds)
        row.save(update_fields=["master_token_sealed", "master_token_expires_at"])
        return token

    def invalidate_token(self, stream: Stream) -> None:
        PartnerConfiguration.objects.update(master_token_sealed="")

    def credentials_id(self, stream: Stream) -> str:
        return PartnerConfiguration.load().master_client_secret_sealed

    def on_credentials_refused(self, stream: Stream, reason: str, credentials_id: str | None = None) -> None:
        if credentials_id in (None, self.credentials_id(stream)):
            deliveries.hold_stream(stream.name, reason)


class EmailChannel(Channel):
    kind = "email"
