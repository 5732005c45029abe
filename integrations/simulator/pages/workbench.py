"""Switches, the ledger, the breaches: what SmartRecruiters itself has no page for."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator.control_api import switches as switchboard
from integrations.simulator.control_api.decorators import InvalidRequestError
from integrations.simulator.entities import SETTING_CHOICES
from integrations.simulator.faults import ACTIONS, ROUTES
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.runtime import state

_LEDGER_KINDS = {
    "effects": frozenset(
        {"result", "upload", "integrated", "disconnected", "configured", "order_placed", "order_answered"}
    ),
    "calls": frozenset({"call"}),
    "switches": frozenset(
        {"fault_set", "fault_fired", "faults_cleared", "settings_changed", "tokens_expired", "revoked"}
    ),
    "breaches": frozenset({"breach", "breaches_cleared"}),
    "all": frozenset[str](),
}
_SETTING_LABELS = {
    "token_lifetime": "A token lives, seconds",
    "limits": "Enforce the limits",
    "rate": "Requests a second, per endpoint",
    "concurrent": "Requests at a time",
    "latency": "Every answer late by, seconds",
    "jitter": "Give or take, seconds",
    "requester_encoding": "The requester header",
    "url_form": "An id in a URL",
    "patch_types": "Content type of a result",
    "upload_part": "An upload's part",
    "upload_limit": "An upload's size, bytes",
    "job_spelling": "The job in an order",
    "callback_spelling": "The inline return key",
    "disable_bearer": "Send a bearer with a disable",
    "partner_timeout": "Wait for the portal, seconds",
}
_FAULT_STATUSES = (429, 500, 503, 400, 401, 403, 404, 409, 410, 413, 422, 502, 504)
_HIDDEN_KEYS = {"kind", "at", "own_pair", "partner_pair", "digest", "secret_digest", "document"}


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
    wish: dict[str, Any] = {"action": form.get("action"), "after_effect": form.get("when") == "after"}
    for key in ("route", "company"):
        wish[key] = form.get(key) or None
    try:
        wish |= {key: float(form[key]) for key in ("seconds", "jitter") if form.get(key)}
        wish |= {key: int(form[key]) for key in ("count", "status", "retry_after") if form.get(key)}
        switchboard.set_fault(wish)
    except (ValueError, InvalidRequestError) as wrong:
        return render_message(request, 422, "The switch cannot be set", str(wrong))
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
            typed = request.POST.get(key, "")
            changes[key] = typed == "on" if isinstance(value, bool) else type(value)(typed)
        switchboard.change_settings(changes)
    except (ValueError, InvalidRequestError) as wrong:
        return render_message(request, 422, "The settings are not changed", str(wrong))
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
    shown = request.GET.get("show", "effects")
    if shown not in _LEDGER_KINDS:
        return render_message(request, 404, "No such part", f"The ledger has {', '.join(_LEDGER_KINDS)}.")
    events = state.journal.tail_events(200, _LEDGER_KINDS[shown])
    rows = [
        (event["at"], event["kind"], {key: value for key, value in event.items() if key not in _HIDDEN_KEYS})
        for event in events
    ]
    return render_page(
        request, "ledger.html", rows=rows, selected=shown, choices=[*_LEDGER_KINDS], end=state.journal.end_offset
    )


@page_view("GET", "POST")
def show_breaches(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        state.record_event("breaches_cleared")
        return HttpResponseRedirect("/breaches")
    return render_page(request, "breaches.html", breaches=state.breaches[:-201:-1])
