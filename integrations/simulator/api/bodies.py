"""Parsing and validation shared by the views."""

from typing import Any

from integrations.simulator.endpoint import ApiError, Call
from integrations.simulator.store.entities import Order
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.strict_json import InvalidJsonError, parse_json


def parse_body(call: Call, what: str) -> Any:
    if call.route != "result" and call.request.content_type != "application/json":
        message = f"{call.request.content_type!r} is not supported here"
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message, breach=f"{what} not sent as JSON")
    try:
        return parse_json(call.body)
    except InvalidJsonError as error:
        raise ApiError(400, "BAD_REQUEST", str(error), breach=f"{what} is not JSON") from None


def reject_malformed(problems: list[str], what: str) -> None:
    if problems:
        raise ApiError(400, "BAD_REQUEST", "; ".join(problems), breach=f"malformed {what}")


def get_own_order(call: Call, order_id: str) -> Order:
    order = state.orders.get(order_id)
    if order is None:
        raise ApiError(404, "NOT_FOUND", "no such order")
    if order.company != call.caller.company:
        raise ApiError(403, "FORBIDDEN", "the order belongs to another company", breach="wrong company's token")
    return order
