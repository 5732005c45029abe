"""The state of everything, the ledger, the breaches."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import control
from integrations.simulator.control_api.serializers import company_view
from integrations.simulator.runtime import world

_SECRET_KEYS = {"own_pair", "partner_pair", "digest", "secret_digest"}


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
    return [asdict(each) for each in world.breaches]
