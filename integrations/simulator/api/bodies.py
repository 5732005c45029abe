"""What the views share: the JSON of a call, what is wrong with it, the order it is about."""

from typing import Any

from integrations.simulator.endpoint import Call, Refused
from integrations.simulator.entities import Order
from integrations.simulator.runtime import world
from integrations.simulator.wire.strict_json import NotJson, parse_json


def json_of(call: Call, what: str) -> Any:
    if call.route != "result" and call.request.content_type != "application/json":
        message = f"{call.request.content_type!r} is not taken here"
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", message, breach=f"{what} not sent as JSON")
    try:
        return parse_json(call.body)
    except NotJson as broken:
        raise Refused(400, "BAD_REQUEST", str(broken), breach=f"{what} is not JSON") from None


def complain(problems: list[str], what: str) -> None:
    if problems:
        raise Refused(400, "BAD_REQUEST", "; ".join(problems), breach=f"malformed {what}")


def own_order(call: Call, order_id: str) -> Order:
    order = world.orders.get(order_id)
    if order is None:
        raise Refused(404, "NOT_FOUND", "no such order")
    if order.company != call.caller.company:
        raise Refused(403, "FORBIDDEN", "the order is of another company", breach="wrong company's token")
    return order
