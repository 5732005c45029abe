"""REST endpoints for SmartRecruiters' orders. A response depends on the database alone: no call leaves from here."""

from typing import Any, cast

from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import audit, rate_limits
from integrations.api.authentication import get_caller
from integrations.api.errors import ConflictError
from integrations.api.parsers import StrictJSONParser
from integrations.api.refusals import RefusalRecordingView, find_order_id
from integrations.models import Connection, Endpoint
from orders import intake
from orders.api.order_request import parse_order_request


class OrderParser(StrictJSONParser):
    replaces_invalid = True


class PlaceOrderView(RefusalRecordingView):
    """Place an order: 202 with an empty object, or 200 with `{"url"}` for an inline order; the same on every repeat."""

    required_scope = "orders_modify"
    schema = None
    parser_classes = (OrderParser,)
    endpoint = Endpoint.ORDERS
    is_inline = False

    def post(self, request: Request) -> Response:
        self.body = cast(dict[str, Any], request.data)
        wanted = parse_order_request(self.body, is_inline=self.is_inline)
        connection = get_caller(request).connection
        actor = audit.Actor.from_request(request)
        if wanted.company_id != connection.company_id:
            _record_refusal("order.refused", connection, actor, claimed=wanted.company_id[:100])
            raise PermissionDenied("companyId is not this token's company.")
        is_inline = bool(wanted.completed_callback_url)
        try:
            order, _ = intake.place(connection=connection, request=wanted, is_inline=is_inline)
        except ConflictError as conflict:
            why, order_id = str(conflict.detail), wanted.smartrecruiters_order_id
            _record_refusal("order.conflict", connection, actor, order=order_id, why=why)
            raise
        if order.is_inline:
            return Response({"url": order.take_url})
        return Response({}, status=status.HTTP_202_ACCEPTED)

    def find_order_id(self, request: Request) -> str:
        return find_order_id(getattr(self, "body", None) or getattr(request, "refused_body", None))


def _record_refusal(action: str, connection: Connection, actor: audit.Actor, **detail: str) -> None:
    """Audit a refused order, once a minute per company: entries stay for ever. Each one counts as a refused call."""
    if rate_limits.is_first(action, connection.company_id):
        audit.record(action, connection.company_id, actor=actor, **detail)


class PlaceInlineOrderView(PlaceOrderView):
    endpoint = Endpoint.INLINE_ORDERS
    is_inline = True
