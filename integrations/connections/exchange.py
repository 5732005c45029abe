"""The exchange of credentials, as a delivery on the master stream (DESIGN.md, "Connecting")."""

from integrations.connections import lifecycle, partner_configuration
from integrations.http.client import CallFailedError, Response
from integrations.models import ConnectAttempt, Connection, ConnectionState
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from integrations.outbox.retry_policy import Disposition
from integrations.smartrecruiters import responses

REFUSAL_MESSAGES = {
    403: "SmartRecruiters says that the company has not given its consent yet, or that we lack a scope.",
    404: "SmartRecruiters holds no partner configuration of ours.",
}
RESPONSE_LOST_MESSAGE = "SmartRecruiters is connected already, and its credential for us is not here."


class ExchangeHandler(handlers.Handler):
    """POST our pair; the 200 holds theirs, once. Repeated only within one attempt: then a 409 means it took effect."""

    kind = "exchange"
    dispositions = {403: Disposition.FAIL, 404: Disposition.FAIL}
    deadline_seconds = 60

    def skip_reason(self, delivery: Delivery) -> str:
        attempt = self._get_attempt(delivery)
        return "" if attempt.client_secret_sealed else f"this try is over ({attempt.get_state_display()})"

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
            raise CallFailedError("the answer holds the client id of another connection")
        lifecycle.activate_connection(attempt, client_id, secret)

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        attempt = self._get_attempt(delivery)
        status = response.status if response else 0
        is_live = attempt.connection.state == ConnectionState.LIVE
        if status == 409 and (delivery.is_ambiguous or not is_live):
            lifecycle.mark_response_lost(attempt, RESPONSE_LOST_MESSAGE)
        elif status == 409:
            lifecycle.mark_refused(attempt, "This company is connected already.")
        else:
            words = responses.parse_error_message(response) if response else ""
            lifecycle.mark_refused(attempt, f"{REFUSAL_MESSAGES.get(status, reason)} {words}".strip())

    def _get_attempt(self, delivery: Delivery) -> ConnectAttempt:
        return ConnectAttempt.objects.select_related("connection", "client").get(pk=delivery.payload["attempt"])
