"""Decorator of the control API's views, and validation of their input."""

import json
from collections.abc import Callable
from functools import wraps
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from django.http import HttpRequest, JsonResponse

from integrations.simulator.faults import build_error
from integrations.simulator.partner.http_client import PortalCallError
from integrations.simulator.store.runtime import state


class InvalidRequestError(Exception):
    """Invalid request, answered with 422 and the message."""


def control_endpoint(*methods: str) -> Callable[[Callable[..., Any]], Callable[..., JsonResponse]]:
    """Turn `view(body, request, **ids)` into a Django view that takes and returns JSON."""

    def decorate_view(view: Callable[..., Any]) -> Callable[..., JsonResponse]:
        @wraps(view)
        def wrapped_view(request: HttpRequest, **ids: str) -> JsonResponse:
            if request.method not in methods:
                return build_error(405, "METHOD_NOT_ALLOWED", f"only {', '.join(methods)}")
            if "company" in ids and ids["company"] not in state.companies:
                return build_error(404, "NOT_FOUND", f"no company {ids['company']}")
            if "order_id" in ids and ids["order_id"] not in state.orders:
                return build_error(404, "NOT_FOUND", f"no order {ids['order_id']}")
            try:
                return JsonResponse(view(_parse_body(request), request, **ids), safe=False)
            except (InvalidRequestError, PortalCallError) as error:
                return build_error(422, "WRONG", str(error))

        return wrapped_view

    return decorate_view


def check_types(values: dict[str, Any], target_class: type) -> None:
    """Raise InvalidRequestError unless each value has the type of its field in the dataclass `target_class`."""
    hints = get_type_hints(target_class)
    for key, value in values.items():
        if not _is_of_type(value, hints[key]):
            raise InvalidRequestError(f"{key} has the wrong type")


def _is_of_type(value: object, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is UnionType:
        return any(_is_of_type(value, each) for each in get_args(hint))
    if kind is tuple:
        return isinstance(value, list) and all(_is_of_type(each, get_args(hint)[0]) for each in value)
    if kind is dict:
        return isinstance(value, dict) and all(_is_of_type(each, get_args(hint)[1]) for each in value.values())
    allowed = (int, float) if kind is float else kind
    return kind is Any or (isinstance(value, allowed) and (kind is bool or not isinstance(value, bool)))


def _parse_body(request: HttpRequest) -> dict[str, Any]:
    if request.method in ("GET", "DELETE"):
        return {}
    if request.content_type != "application/json":
        raise InvalidRequestError("the content type must be application/json")
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise InvalidRequestError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequestError("the body is not an object")
    return body
