"""The control API, for tests and benches; the package's docstring lists it."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse

from integrations.simulator import cast, consent, partner
from integrations.simulator.entities import SETTING_CHOICES, Breach, Company, Fault, Order, Settings
from integrations.simulator.faults import ACTIONS, ROUTES, error
from integrations.simulator.running import world
from integrations.simulator.wire import LOCATION_KEYS

_FAULT_KEYS = {each.name: each.default for each in fields(Fault)}
_SECRET_KEYS = {"own_pair", "partner_pair", "digest", "secret_digest"}
_WISH_KEYS = {each.name for each in fields(partner.Wish)}


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
            except (Wrong, partner.NotPossible) as wrong:
                return error(422, "WRONG", str(wrong))

        return enter

    return decorate


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


# The whole


@control("GET")
def state(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    return {
        "configuration": world.configuration,
        "companies": [company_view(each) for each in world.companies.values()],
        "settings": asdict(world.settings),
        "faults": [asdict(each) for each in world.faults.copy().values()],
        "counts": dict(world.counts),
        "orders": len(world.orders),
        "breaches": len(world.breaches),
        "ledger_end": world.journal.end,
    }


@control("GET")
def ledger(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """`next` is the cursor to go on with; the page is the last one when `more` is false."""
    since, limit = int(request.GET.get("since", "0")), int(request.GET.get("limit", "1000"))
    kinds = {kind for kind in request.GET.get("kinds", "").split(",") if kind}
    events: list[dict[str, Any]] = []
    place, more = since, False
    for event, place in world.journal.read(since):
        if not kinds or event["kind"] in kinds:
            events.append({key: value for key, value in event.items() if key not in _SECRET_KEYS})
        if len(events) >= limit:
            more = place < world.journal.end
            break
    return {"events": events, "next": place, "more": more}


@control("GET", "DELETE")
def breaches(body: dict[str, Any], request: HttpRequest) -> list[dict[str, Any]]:
    if request.method == "DELETE":
        world.record("breaches_cleared")
    return [breach_view(each) for each in world.breaches]


@control("GET", "PATCH")
def settings(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "PATCH":
        change_settings(body)
    return asdict(world.settings)


def change_settings(changes: dict[str, Any]) -> None:
    known = asdict(Settings())
    for key, value in changes.items():
        if key not in known:
            raise Wrong(f"there is no setting {key}")
        if key in SETTING_CHOICES and value not in SETTING_CHOICES[key]:
            raise Wrong(f"{key} is one of {', '.join(SETTING_CHOICES[key])}")
        if isinstance(known[key], bool) is not isinstance(value, bool) or not isinstance(value, _kind(known[key])):
            raise Wrong(f"{key} is of another type")
    world.record("settings_changed", changes=changes)


def _kind(default: Any) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)


@control("POST")
def expire_tokens(body: dict[str, Any], request: HttpRequest, company: str | None = None) -> dict[str, Any]:
    expire(company)
    return {}


def expire(company: str | None) -> None:
    """End every token of this company, or of everybody; the credentials stay good."""
    clients = None if company is None else [client for client, owner in world.credentials.items() if owner == company]
    world.record("tokens_expired", clients=clients)


# Switches


@control("GET", "POST", "DELETE")
def faults(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "POST":
        return asdict(set_fault(body))
    if request.method == "DELETE":
        world.record("faults_cleared", ids=[*world.faults])
    return [asdict(each) for each in world.faults.copy().values()]


@control("DELETE")
def fault(body: dict[str, Any], request: HttpRequest, fault_id: int) -> dict[str, Any]:
    world.record("faults_cleared", ids=[fault_id])
    return {}


def set_fault(wish: dict[str, Any]) -> Fault:
    """`count` is how often; without it the fault stays until it is cleared."""
    wish = {**wish, "left": wish.get("count")}
    wish.pop("count", None)
    strange = wish.keys() - (_FAULT_KEYS.keys() - {"id", "fired"})
    if strange:
        raise Wrong(f"a fault has no {', '.join(sorted(strange))}")
    if wish.get("action") not in ACTIONS:
        raise Wrong(f"action is one of {', '.join(ACTIONS)}")
    if wish.get("route") not in (None, *ROUTES):
        raise Wrong(f"route is one of {', '.join(ROUTES)}")
    if wish.get("company") not in (None, *world.companies):
        raise Wrong(f"there is no company {wish['company']}")
    with world.lock:
        made = Fault(id=world.next_serial(), **wish)
        world.record("fault_set", fault=asdict(made))
    return made


# Companies


@control("GET", "POST")
def companies(body: dict[str, Any], request: HttpRequest) -> Any:
    if request.method == "GET":
        return [company_view(each) for each in world.companies.values()]
    with world.lock:
        if body["id"] not in world.companies:
            world.record("company_added", id=body["id"], name=body.get("name", body["id"]))
    return company_view(world.companies[body["id"]])


@control("GET")
def company_(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return company_view(world.companies[company])


@control("POST")
def grant_consent(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"consent_url": consent.grant(company), "display_mode": consent.display_mode()}


@control("POST")
def disconnect(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": partner.disconnect(company)}


@control("POST")
def tell_disabled(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    return {"status_code": partner.tell_disabled(company)}


@control("POST")
def revoke(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    """The portal's credential dies without a word; the company still looks connected."""
    world.record("revoked", company=company)
    return {}


@control("GET")
def candidates(body: dict[str, Any], request: HttpRequest, company: str) -> list[dict[str, Any]]:
    return [cast.candidate(company, number) for number in range(cast.CANDIDATES_SHOWN)]


@control("GET")
def packages(body: dict[str, Any], request: HttpRequest, company: str) -> dict[str, Any]:
    query = request.GET.dict()
    requester = query.pop("requester", None)
    location = {key: str(query.pop(key)) for key in LOCATION_KEYS if key in query}
    mapped = {key: str(value) for key, value in query.items()}
    reply = partner.packages(company, requester=requester, location=location, fields=mapped)
    return _reply_view(reply, "packages")


@control("GET")
def package(body: dict[str, Any], request: HttpRequest, company: str, package_id: str) -> dict[str, Any]:
    return _reply_view(partner.package(company, package_id), "package")


def _reply_view(reply: partner.Reply, what: str) -> dict[str, Any]:
    return {"status_code": reply.status, "seconds": reply.seconds, "problem": reply.problem, what: reply.body}


# Orders


@control("GET", "POST")
def orders(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        return {"orders": [order_view(each) for each in partner.place(wish_of(body))]}
    company, limit = request.GET.get("company"), int(request.GET.get("limit", "100"))
    ids = world.orders_of.get(company, []) if company else [*world.orders]
    return {"orders": [order_view(world.orders[each]) for each in ids[::-1][:limit]], "total": len(ids)}


def wish_of(body: dict[str, Any]) -> partner.Wish:
    body = dict(body)
    if body.pop("inline", False):
        body["kind"] = "inline"
    strange = body.keys() - _WISH_KEYS
    if strange:
        raise Wrong(f"an order has no {', '.join(sorted(strange))}")
    if not {"company", "package"} <= body.keys():
        raise Wrong("an order needs a company and a package")
    return partner.Wish(**{**body, "candidates": tuple(body.get("candidates", ()))})


@control("GET")
def order(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    return order_view(world.orders[order_id])


@control("POST")
def retry(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    partner.send(order_id)
    return order_view(world.orders[order_id])


@control("POST")
def announce(body: dict[str, Any], request: HttpRequest, order_id: str) -> dict[str, Any]:
    """The next change of this order's result is meant: no breach, whatever it drops or turns back."""
    world.record("correction_announced", order_id=order_id, reason=body.get("reason", "announced by a test"))
    return order_view(world.orders[order_id])


# What is shown


def company_view(company: Company) -> dict[str, Any]:
    return {
        "id": company.id,
        "name": company.name,
        "consented": company.consented,
        "connected": company.connected,
        "state": "connected" if company.connected else "disconnected",
        "connected_at": company.connected_at,
        "disable_owed": company.disable_owed,
        "client_id": company.partner_pair.client_id if company.partner_pair else None,
        "own_client_id": company.own_pair.client_id if company.own_pair else None,
        "orders": len(world.orders_of.get(company.id, [])),
    }


def order_view(order: Order) -> dict[str, Any]:
    last = order.answers[-1] if order.answers else None
    return {
        "order_id": order.id,
        "company": order.company,
        "kind": order.kind,
        "package": order.package,
        "candidate": order.candidate,
        "job_id": order.body.get("jobId") or order.body.get("job", {}).get("id"),
        "placed_at": order.placed_at,
        "accepted": order.accepted,
        "status_code": last.status if last else None,
        "seconds": last.seconds if last else None,
        "problem": last.problem if last else None,
        "url": order.url,
        "answers": [asdict(each) for each in order.answers],
        "status": order.status,
        "result": order.result,
        "result_at": order.result_at,
        "effects": order.effects,
        "repeats": order.repeats,
        "notifications": [asdict(each) for each in order.notifications],
        "uploads": [asdict(each) for each in order.uploads],
        "correction": order.correction,
    }


def breach_view(breach: Breach) -> dict[str, Any]:
    return asdict(breach)
