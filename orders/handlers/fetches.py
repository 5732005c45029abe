"""The questions to SmartRecruiters about an order: its candidate, job and hiring team."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from integrations.connections import partner_configuration
from integrations.http.client import OutgoingRequest, Response, send_request
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from integrations.smartrecruiters.client import SmartRecruitersAPI
from orders import resources
from orders.handlers import prefetch
from orders.handlers.prefetch import get_order
from orders.models import Order, Resource, ResourceState


class FetchHandler(handlers.Handler):
    """Read what SmartRecruiters tells of a candidate, a job or a hiring team, once, and keep the little we need."""

    is_read = True
    retry_for = timedelta(days=1)

    def prefetch(self, found: Sequence[Delivery]) -> None:
        prefetch.prefetch_orders(found)

    def skip_reason(self, delivery: Delivery) -> str:
        return "the candidate was erased" if get_order(delivery).erased_at is not None else ""

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        outgoing = self.build_request(
            partner_configuration.build_api(prefetch.get_configuration(delivery)), get_order(delivery), token
        )
        return handlers.Call(outgoing.endpoint, _make_summarizing_run(outgoing), outgoing.redacted_dict())

    def build_request(self, api: SmartRecruitersAPI, order: Order, token: str) -> OutgoingRequest:
        raise TypeError(f"{type(self).__name__} must say what it asks")

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        content = resources.NORMALIZERS[self.kind](response.content)
        self._save_resource(delivery, state=ResourceState.THERE, content=content, reason="")

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        self._save_resource(delivery, state=ResourceState.NONE, content={}, reason=reason[:300])

    def _save_resource(self, delivery: Delivery, **columns: Any) -> None:
        Resource.objects.update_or_create(order_id=delivery.subject, kind=self.kind, defaults=columns)


def _make_summarizing_run(outgoing: OutgoingRequest) -> Any:
    """A success holds far more of a person than we need: of its text, the attempt keeps the names of the keys."""

    def run(deadline: float) -> Response:
        reply = send_request(outgoing, deadline)
        if reply.status != 200 or not isinstance(reply.content, dict):
            return reply
        return replace(reply, text=f"keys: {', '.join(sorted(reply.content))}")

    return run


class CandidateHandler(FetchHandler):
    kind = "candidate"

    def build_request(self, api: SmartRecruitersAPI, order: Order, token: str) -> OutgoingRequest:
        return api.get_candidate(token, order.candidate_id)


class JobHandler(FetchHandler):
    kind = "job"

    def build_request(self, api: SmartRecruitersAPI, order: Order, token: str) -> OutgoingRequest:
        return api.get_job(token, order.job_id)


class HiringTeamHandler(FetchHandler):
    kind = "hiring_team"

    def build_request(self, api: SmartRecruitersAPI, order: Order, token: str) -> OutgoingRequest:
        return api.get_hiring_team(token, order.job_id)
