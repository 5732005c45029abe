"""State, ledger and breaches."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest

from integrations.simulator.control_api.decorators import control_endpoint
from integrations.simulator.control_api.serializers import serialize_company
from integrations.simulator.store.journal import SECRET_KEYS
from integrations.simulator.store.runtime import state


@control_endpoint("GET")
def get_state(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    return {
        "configuration": state.configuration,
        "companies": [serialize_company(each) for each in state.companies.values()],
        "settings": asdict(state.settings),
        "faults": [asdict(each) for each in state.faults.copy().values()],
        "counts": dict(state.counts),
        "orders": len(state.orders),
        "breaches": len(state.breaches),
        "ledger_end": state.journal.end_offset,
    }


@control_endpoint("GET")
def read_ledger(body: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """Return a page of events; `next` is the cursor of the following page, `more` is False on the last one."""
    since, limit = int(request.GET.get("since", "0")), int(request.GET.get("limit", "1000"))
    kinds = {kind for kind in request.GET.get("kinds", "").split(",") if kind}
    events: list[dict[str, Any]] = []
    offset, more = since, False
    for event, offset in state.journal.read_events(since):
        if not kinds or event["kind"] in kinds:
            events.append({key: value for key, value in event.items() if key not in SECRET_KEYS})
        if len(events) >= limit:
            more = offset < state.journal.end_offset
            break
    return {"events": events, "next": offset, "more": more}


@control_endpoint("GET", "DELETE")
def manage_breaches(body: dict[str, Any], request: HttpRequest) -> list[dict[str, Any]]:
    if request.method == "DELETE":
        state.record_event("breaches_cleared")
    return [asdict(each) for each in state.breaches]
