"""Pages for faults and settings, the ledger and the breaches."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator.control_api import switches as switchboard
from integrations.simulator.control_api.decorators import InvalidRequestError
from integrations.simulator.faults import ACTIONS, ROUTES
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.store.entities import SETTING_CHOICES
from integrations.simulator.store.journal import SECRET_KEYS
from integrations.simulator.store.runtime import state

_LEDGER_KINDS = {
    "effects": {"result", "upload", "integrated", "disconnected", "configured", "order_placed", "order_answered"},
    "calls": {"call"},
    "switches": {"fault_set", "fault_fired", "faults_cleared", "settings_changed", "tokens_expired", "revoked"},
    "breaches": {"breach", "breaches_cleared"},
    "all": set[str](),
}
_SETTING_LABELS = {
    "token_lifetime": "Token lifetime, seconds",
    "limits": "Enforce the rate limits",
    "rate": "Requests per second and endpoint",
    "concurrent": "Concurrent requests",
    "latency": "Delay of every response, seconds",
    "jitter": "Variation of the delay, seconds",
    "requester_encoding": "Format of the requester header",
    "url_form": "Ids in URLs",
    "patch_types": "Content type of a result",
    "upload_part": "Name of an upload's form part",
    "upload_limit": "Maximum size of an upload, bytes",
    "job_spelling": "Job keys of an order",
    "callback_spelling": "Return URL key of an inline order",
    "disable_bearer": "Send a bearer token when disconnecting",
    "partner_timeout": "Timeout for the portal, seconds",
}
_FAULT_STATUSES = (429, 500, 503, 400, 401, 403, 404, 409, 410, 413, 422, 502, 504)
_HIDDEN_KEYS = {*SECRET_KEYS, "kind", "at", "document"}


@page_view("GET")
def show_switches(request: HttpRequest) -> HttpResponseBase:
    settings = [
        (key, _SETTING_LABELS[key], value, SETTING_CHOICES.get(key)) for key, value in asdict(state.settings).items()
    ]
    return render_page(
        request,
        "switches.html",
        faults=state.faults.copy().values(),
        actions=ACTIONS,
        routes=ROUTES,
        statuses=_FAULT_STATUSES,
        companies=list(state.companies.values()),
        settings=settings,
    )


@page_view("POST")
def set_fault(request: HttpRequest) -> HttpResponseBase:
    form = request.POST
    values: dict[str, Any] = {"action": form.get("action"), "after_effect": form.get("when") == "after"}
    for key in ("route", "company"):
        values[key] = form.get(key) or None
    try:
        values |= {key: float(form[key]) for key in ("seconds", "jitter") if form.get(key)}
        values |= {key: int(form[key]) for key in ("count", "status", "retry_after") if form.get(key)}
        switchboard.set_fault(values)
    except (ValueError, InvalidRequestError) as error:
        return render_message(request, 422, "The fault cannot be set", str(error))
    return HttpResponseRedirect("/switches")


@page_view("POST")
def clear_faults(request: HttpRequest) -> HttpResponseBase:
    chosen = request.POST.get("fault", "")
    state.record_event("faults_cleared", ids=[int(chosen)] if chosen.isdigit() else [*state.faults])
    return HttpResponseRedirect("/switches")


@page_view("POST")
def change_settings(request: HttpRequest) -> HttpResponseBase:
    changes: dict[str, Any] = {}
    try:
        for key, value in asdict(state.settings).items():
            submitted = request.POST.get(key, "")
            changes[key] = submitted == "on" if isinstance(value, bool) else type(value)(submitted)
        switchboard.change_settings(changes)
    except (ValueError, InvalidRequestError) as error:
        return render_message(request, 422, "The settings were not changed", str(error))
    return HttpResponseRedirect("/switches")


@page_view("POST")
def expire_tokens(request: HttpRequest) -> HttpResponseBase:
    switchboard.expire_company_tokens(request.POST.get("company") or None)
    return HttpResponseRedirect("/switches")


@page_view("POST")
def revoke_credential(request: HttpRequest) -> HttpResponseBase:
    company = request.POST.get("company", "")
    if company in state.companies:
        state.record_event("revoked", company=company)
    return HttpResponseRedirect("/switches")


@page_view("GET")
def show_ledger(request: HttpRequest) -> HttpResponseBase:
    selected = request.GET.get("show", "effects")
    if selected not in _LEDGER_KINDS:
        return render_message(request, 404, "Page not found", f"The ledger has {', '.join(_LEDGER_KINDS)}.")
    events = state.journal.tail_events(200, frozenset(_LEDGER_KINDS[selected]))
    rows = [
        (event["at"], event["kind"], {key: value for key, value in event.items() if key not in _HIDDEN_KEYS})
        for event in events
    ]
    return render_page(request, "ledger.html", rows=rows, selected=selected, choices=[*_LEDGER_KINDS])


@page_view("GET", "POST")
def show_breaches(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        state.record_event("breaches_cleared")
        return HttpResponseRedirect("/breaches")
    return render_page(request, "breaches.html", breaches=state.breaches[:-201:-1])
