"""Exchange of credentials, as a delivery on the master stream. See integrations/connections/README.md."""

from integrations.connections import lifecycle, partner_configuration
from integrations.http.client import CallFailedError, Response
from integrations.models import ConnectAttempt, Connection, ConnectionState
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from integrations.outbox.sending.failure_messages import translate_reason
from integrations.outbox.sending.retry_policy import Disposition
from integrations.smartrecruiters import responses

REFUSAL_MESSAGES = {
    403: "SmartRecruiters reports that the company has not consented yet, or that a scope is missing.",
    404: "SmartRecruiters has no partner configuration for this portal.",
}
ALREADY_CONNECTED_REASON = "the company is connected already, and the connection stays as it is"
STILL_CONNECTED_MESSAGE = "SmartRecruiters still has the credentials of an earlier connection."
RESPONSE_LOST_MESSAGE = "SmartRecruiters is already connected, but its credentials did not arrive here."


class ExchangeHandler(handlers.Handler):
    """Send our credentials and store theirs, which the 200 response contains once.

    A retry uses the credentials of its attempt. So a 409 on it means that an earlier call took effect.
    """

    kind = "exchange"
    channel = "master"
    label = "Exchange of credentials"
    dispositions = {403: Disposition.FAIL, 404: Disposition.FAIL}
    deadline_seconds = 60

    def skip_reason(self, delivery: Delivery) -> str:
        attempt = self._get_attempt(delivery)
        return "" if attempt.client_secret_sealed else f"this attempt has ended ({attempt.get_state_display()})"

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        attempt = self._get_attempt(delivery)
        lifecycle.begin_exchange(attempt)
        company_id = attempt.connection.company_id
        return handlers.Call.from_request(
            partner_configuration.build_api().post_integration(
                token, company_id, attempt.client_id_sent, attempt.client_secret
            )
        )

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        client_id, secret = responses.parse_credentials(response)
        attempt = self._get_attempt(delivery)
        if Connection.objects.filter(their_client_id=client_id).exclude(pk=attempt.connection_id).exists():
            raise CallFailedError("the response contains the client id of another connection")
        lifecycle.activate_connection(attempt, client_id, secret)

    def harmless_reason(self, delivery: Delivery, response: Response | None) -> str:
        """Return a reason for the refused repeat of an exchange: the connection goes on as it is."""
        return ALREADY_CONNECTED_REASON if self._is_refused_repeat(delivery, response) else ""

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        attempt = self._get_attempt(delivery)
        status = response.status if response else 0
        if self._is_refused_repeat(delivery, response):
            lifecycle.mark_refused(attempt, "This company is already connected.")
        elif status == 409 and delivery.is_ambiguous:
            lifecycle.mark_response_lost(attempt, RESPONSE_LOST_MESSAGE)
        elif status == 409:
            lifecycle.mark_still_connected(attempt, STILL_CONNECTED_MESSAGE)
        elif status in REFUSAL_MESSAGES and response is not None:
            message = responses.parse_error_message(response)
            lifecycle.mark_refused(attempt, f"{REFUSAL_MESSAGES[status]} {message}".strip())
        elif response is not None:
            lifecycle.mark_refused(attempt, f"{translate_reason(reason, self)}.")
        else:
            lifecycle.mark_refused(attempt, f"The exchange of credentials failed for days: {reason}.")

    def _is_refused_repeat(self, delivery: Delivery, response: Response | None) -> bool:
        """Return True for a 409 that is no answer to an earlier call of this attempt, on a live connection."""
        is_conflict = response is not None and response.status == 409 and not delivery.is_ambiguous
        return is_conflict and self._get_attempt(delivery).connection.state == ConnectionState.LIVE

    def _get_attempt(self, delivery: Delivery) -> ConnectAttempt:
        return ConnectAttempt.objects.select_related("connection", "client").get(pk=delivery.payload["attempt"])
