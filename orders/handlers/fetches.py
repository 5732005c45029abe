"""Handlers that fetch an order's candidate, job and hiring team from SmartRecruiters."""

from collections.abc import Callable, Mapping, Sequence
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
from orders.models import Resource, ResourceState


class FetchHandler(handlers.Handler):
    """Fetch a resource of a kind once, and store the few fields that we need.

    `build_request` takes the API client, a token and the value of the order's `id_column`.
    """

    is_read = True
    retry_for = timedelta(days=1)

    def __init__(
        self, kind: str, build_request: Callable[[SmartRecruitersAPI, str, str], OutgoingRequest], id_column: str
    ) -> None:
        self.kind, self.build_request, self.id_column = kind, build_request, id_column

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
        api = partner_configuration.build_api(context.configuration)
        outgoing = self.build_request(api, token, getattr(context.order, self.id_column))
        return handlers.Call.from_request(outgoing, _summarize)

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


FETCH_HANDLERS = (
    FetchHandler("candidate", SmartRecruitersAPI.get_candidate, "candidate_id"),
    FetchHandler("job", SmartRecruitersAPI.get_job, "job_id"),
    FetchHandler("hiring_team", SmartRecruitersAPI.get_hiring_team, "job_id"),
)
