"""Orders: placed, looked at, sent again."""

from dataclasses import fields
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import Wrong, check_types, control
from integrations.simulator.control_api.serializers import order_view
from integrations.simulator.partner.orders import Wish, place, send
from integrations.simulator.runtime import world

_WISH_KEYS = {each.name for each in fields(Wish)}


@control("GET", "POST")
def orders(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        return {"orders": [order_view(each) for each in place(wish_of(body))]}
    company, limit = request.GET.get("company"), int(request.GET.get("limit", "100"))
    ids = world.orders_of.get(company, []) if company else [*world.orders]
    return {"orders": [order_view(world.orders[each]) for each in ids[::-1][:limit]], "total": len(ids)}


def wish_of(body: dict[str, Any]) -> Wish:
    body = dict(body)
    if body.pop("inline", False):
        body["kind"] = "inline"
    strange = body.keys() - _WISH_KEYS
    if strange:
        raise Wrong(f"an order has no {', '.join(sorted(strange))}")
    if not {"company", "package"} <= body.keys():
        raise Wrong("an order needs a company and a package")
    check_types(body, Wish)
    return Wish(**{**body, "candidates": tuple(body.get("candidates", ()))})


@control("GET")
def order(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    return order_view(world.orders[order_id])


@control("POST")
def retry(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    send(order_id)
    return order_view(world.orders[order_id])


@control("POST")
def announce(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    """The next change of this order's result is meant: no breach, whatever it drops or turns back."""
    world.record("correction_announced", order_id=order_id, reason=body.get("reason", "announced by a test"))
    return order_view(world.orders[order_id])
