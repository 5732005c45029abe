"""Placing, reading and resending orders."""

from dataclasses import fields
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import InvalidRequestError, check_types, control_endpoint
from integrations.simulator.control_api.serializers import serialize_order
from integrations.simulator.partner.orders import OrderSpec, place_orders, send_order
from integrations.simulator.store.runtime import state

_SPEC_KEYS = {each.name for each in fields(OrderSpec)}


@control_endpoint("GET", "POST")
def manage_orders(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        return {"orders": [serialize_order(each) for each in place_orders(build_spec(body))]}
    company, limit = request.GET.get("company"), int(request.GET.get("limit", "100"))
    ids = state.order_ids_by_company.get(company, []) if company else [*state.orders]
    return {"orders": [serialize_order(state.orders[each]) for each in ids[::-1][:limit]], "total": len(ids)}


def build_spec(body: dict[str, Any]) -> OrderSpec:
    body = dict(body)
    if body.pop("inline", False):
        body["kind"] = "inline"
    if unknown := body.keys() - _SPEC_KEYS:
        raise InvalidRequestError(f"an order has no {', '.join(sorted(unknown))}")
    if not {"company", "package"} <= body.keys():
        raise InvalidRequestError("an order needs a company and a package")
    check_types(body, OrderSpec)
    return OrderSpec(**{**body, "candidates": tuple(body.get("candidates", ()))})


@control_endpoint("GET")
def get_order(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    return serialize_order(state.orders[order_id])


@control_endpoint("POST")
def retry_order(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    send_order(order_id)
    return serialize_order(state.orders[order_id])


@control_endpoint("POST")
def announce_correction(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    """Declare the next change of the order's result intended, so that it is no breach."""
    state.record_event("correction_announced", order_id=order_id, reason=body.get("reason", "announced by a test"))
    return serialize_order(state.orders[order_id])
