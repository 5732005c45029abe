"""Handlers that fetch an order's candidate, job and hiring team from SmartRecruiters."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from integrations.connections import partner_configuration
from integrations.http.client import OutgoingRequest, Response
from integrations.outbox import handlers
from integrations.outbox.models import Delivery
from integrations.smartrecruiters.client import SmartRecruitersAPI
from orders import resources
from orders.handlers.prefetch import OrderContext, get_context, load_contexts
from orders.models import Order, Resource, ResourceState


class FetchHandler(handlers.Handler):
    """Fetch a resource once, and store the few fields that we need."""

    is_read = True
    retry_for = timedelta(days=1)

    @property
    def phrase(self) -> str:
        return f"the request for the {self.label.lower()}"

    @property
    def delivered_text(self) -> str:
        return f"{self.label} read from SmartRecruiters"

    def prefetch(self, deliveries: Sequence[Delivery]) -> Mapping[int, OrderContext]:
        return load_contexts(deliveries)

    def skip_reason(self, delivery: Delivery) -> str:
        return "the candidate was erased" if get_context(delivery).order.erased_at is not None else ""

    def build_call(self, delivery: Delivery, token: str) -> handlers.Call:
        context = get_context(delivery)
        outgoing = self.build_request(partner_configuration.build_api(context.configuration), context.order, token)
        return handlers.Call.from_request(outgoing, _summarize)

    def build_request(self, api: SmartRecruitersAPI, order: Order, token: str) -> OutgoingRequest:
        raise NotImplementedError

    def on_delivered(self, delivery: Delivery, response: Response) -> None:
        content = resources.NORMALIZERS[self.kind](response.content)
        self._save_resource(delivery, state=ResourceState.THERE, content=content, reason="")

    def on_failed(self, delivery: Delivery, response: Response | None, reason: str) -> None:
        self._save_resource(delivery, state=ResourceState.NONE, content={}, reason=reason[:300])

    def _save_resource(self, delivery: Delivery, **columns: Any) -> None:
        Resource.objects.update_or_create(order_id=delivery.subject, kind=self.kind, defaults=columns)


def _summarize(response: Response) -> Response:
    """Keep only the names of the keys of a success, which has more personal data than we need."""
    if response.status != 200 or not isinstance(response.content, dict):
        return response
    return replace(response, text=f"keys: {', '.join(sorted(response.content))}")


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
