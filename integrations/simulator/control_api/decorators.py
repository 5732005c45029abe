"""What every call of the control API has: JSON in, JSON out, an error that says why."""

import json
from collections.abc import Callable
from functools import wraps
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from django.http import HttpRequest, JsonResponse

from integrations.simulator.faults import error
from integrations.simulator.partner.http_client import NotPossible
from integrations.simulator.runtime import world


class Wrong(Exception):
    """The test asks for something that makes no sense."""


def control(*methods: str) -> Callable[[Callable[..., Any]], Callable[..., JsonResponse]]:
    """Turn `view(body, request, **ids)` into a Django view that takes and answers JSON."""

    def decorate(view: Callable[..., Any]) -> Callable[..., JsonResponse]:
        @wraps(view)
        def enter(request: HttpRequest, **ids: str) -> JsonResponse:
            if request.method not in methods:
                return error(405, "METHOD_NOT_ALLOWED", f"only {', '.join(methods)}")
            if "company" in ids and ids["company"] not in world.companies:
                return error(404, "NOT_FOUND", f"no company {ids['company']}")
            if "order_id" in ids and ids["order_id"] not in world.orders:
                return error(404, "NOT_FOUND", f"no order {ids['order_id']}")
            try:
                return JsonResponse(view(_body(request), request, **ids), safe=False)
            except (Wrong, NotPossible) as wrong:
                return error(422, "WRONG", str(wrong))

        return enter

    return decorate


def check_types(wish: dict[str, Any], made: type) -> None:
    """What `made`, a dataclass, would be made of is of its fields' types. Raises Wrong."""
    hints = get_type_hints(made)
    for key, value in wish.items():
        if not _fits(value, hints[key]):
            raise Wrong(f"{key} is of another type")


def _fits(value: object, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is UnionType:
        return any(_fits(value, each) for each in get_args(hint))
    if kind is tuple:
        return isinstance(value, list) and all(_fits(each, get_args(hint)[0]) for each in value)
    if kind is dict:
        return isinstance(value, dict) and all(_fits(each, get_args(hint)[1]) for each in value.values())
    wanted = (int, float) if kind is float else kind
    return kind is Any or (isinstance(value, wanted) and (kind is bool or not isinstance(value, bool)))


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.method in ("GET", "DELETE"):
        return {}
    if request.content_type != "application/json":
        raise Wrong("the control API takes application/json")
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Wrong("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Wrong("the body is not an object")
    return body
