"""Access token of a stream: the stored one, or a request for a new one, for which the courier does not wait."""

import structlog
from django.db import transaction

from integrations.http.client import CallFailedError
from integrations.outbox.handlers import UndeliverableError
from integrations.outbox.leases import Lease
from integrations.outbox.sending.executor import CallResult, PacedExecutor
from integrations.outbox.sending.failure_messages import describe_status
from integrations.outbox.sending.settlement import Settlement

log = structlog.get_logger(__name__)

DEADLINE_SECONDS = 25.0
NO_TOKEN_NEEDED = "-"  # noqa: S105
REFUSED_STATUSES = (400, 401, 403)


class TokenSource:
    """Source of one stream's access token, under its lease."""

    def __init__(self, lease: Lease, settlement: Settlement, executor: PacedExecutor) -> None:
        self.lease, self.settlement, self.executor = lease, settlement, executor
        self.stream, self.channel = settlement.stream, settlement.channel
        self._requested_with = ""  # the id of the credentials

    def get_token(self) -> str:
        """Return the token, NO_TOKEN_NEEDED, or "" while there is none: then one is requested."""
        if not self.channel.needs_token:
            return NO_TOKEN_NEEDED
        token = self.channel.stored_token(self.stream)
        if not token and not self.executor.is_token_requested:
            self._request_token()
        return token

    def _request_token(self) -> None:
        self._requested_with = self.channel.credentials_id(self.stream)
        try:
            self.executor.request_token(self.channel.build_token_call(self.stream), DEADLINE_SECONDS)
        except UndeliverableError as error:
            self.settlement.mark_credentials_refused(str(error), self._requested_with)
        except CallFailedError as error:
            self._pause_stream(error)

    @transaction.atomic
    def settle_request(self, result: CallResult) -> None:
        """Store the token that was requested, or pause or hold the stream."""
        self.lease.renew()  # locks the stream's row until commit, or shows that the lease is lost
        self.stream.refresh_from_db()
        _, response, error = result
        try:
            if error is not None or response is None:
                raise error or CallFailedError("no response")
            if response.status == 200:
                self.channel.store_token(self.stream, response)
            elif response.status in REFUSED_STATUSES:
                reason = f"SmartRecruiters' token endpoint refuses the credentials ({response.status})."
                self.settlement.mark_credentials_refused(reason, self._requested_with)
            else:
                reason = describe_status(response.status, self.channel, "the request for a token")
                self.settlement.pause_stream(reason, retry_after=response.headers.get("Retry-After"))
        except CallFailedError as failure:
            self._pause_stream(failure)

    def _pause_stream(self, error: CallFailedError) -> None:
        log.warning("token request failed", stream=self.stream.name, error=str(error))
        self.settlement.pause_stream(f"{self.channel.peer_name} gave no token: {error}")
