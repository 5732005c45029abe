"""The exchange of credentials, as a delivery on the master stream (DESIGN.md, "Connecting")."""

from integrations.connections import lifecycle, partner_configuration
from integrations.http.client import CallFailed, Reply
from integrations.models import ConnectAttempt, Connection, ConnectionState
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from integrations.outbox.retry_policy import Cure
from integrations.smartrecruiters import responses

REFUSALS = {
    403: "SmartRecruiters says that the company has not given its consent yet, or that we lack a scope.",
    404: "SmartRecruiters holds no partner configuration of ours.",
}
LOST = "SmartRecruiters is connected already, and its credential for us is not here."


class Exchange(handlers.Handler):
    """POST our pair; the 200 holds theirs, once. Repeated only within one attempt: then a 409 means it took effect."""

    kind = "exchange"
    cures = {403: Cure.FAIL, 404: Cure.FAIL}
    deadline_seconds = 60

    def unwanted(self, delivery: Delivery) -> str:
        attempt = self._attempt(delivery)
        return "" if attempt.client_secret_sealed else f"this try is over ({attempt.get_state_display()})"

    def call(self, delivery: Delivery, token: str) -> handlers.Call:
        attempt = self._attempt(delivery)
        lifecycle.begin_exchange(attempt)
        company_id = attempt.connection.company_id
        return handlers.Call.of(
            partner_configuration.build_api().post_integration(
                token, company_id, attempt.client_id_sent, attempt.client_secret
            )
        )

    def delivered(self, delivery: Delivery, reply: Reply) -> None:
        client_id, secret = responses.parse_credentials(reply)
        attempt = self._attempt(delivery)
        if Connection.objects.filter(their_client_id=client_id).exclude(pk=attempt.connection_id).exists():
            raise CallFailed("the answer holds the client id of another connection")
        lifecycle.activate_connection(attempt, client_id, secret)

    def failed(self, delivery: Delivery, reply: Reply | None, reason: str) -> None:
        attempt = self._attempt(delivery)
        status = reply.status if reply else 0
        is_live = attempt.connection.state == ConnectionState.LIVE
        if status == 409 and (delivery.is_ambiguous or not is_live):
            lifecycle.mark_response_lost(attempt, LOST)
        elif status == 409:
            lifecycle.mark_refused(attempt, "This company is connected already.")
        else:
            words = responses.parse_error_message(reply) if reply else ""
            lifecycle.mark_refused(attempt, f"{REFUSALS.get(status, reason)} {words}".strip())

    def _attempt(self, delivery: Delivery) -> ConnectAttempt:
        return ConnectAttempt.objects.select_related("connection", "client").get(pk=delivery.payload["attempt"])
