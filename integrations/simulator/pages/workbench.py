"""Switches, the ledger, the breaches: what SmartRecruiters itself has no page for."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator.control_api import switches as switchboard
from integrations.simulator.control_api.decorators import Wrong
from integrations.simulator.entities import SETTING_CHOICES
from integrations.simulator.faults import ACTIONS, ROUTES
from integrations.simulator.pages.layout import message, page, show
from integrations.simulator.runtime import world

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
_LABELS = {
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
_STATUSES = (429, 500, 503, 400, 401, 403, 404, 409, 410, 413, 422, 502, 504)
_HIDDEN = {"kind", "at", "own_pair", "partner_pair", "digest", "secret_digest", "document"}


@page("GET")
def switches(request: HttpRequest) -> HttpResponseBase:
    settings = [(key, _LABELS[key], value, SETTING_CHOICES.get(key)) for key, value in asdict(world.settings).items()]
    return show(
        request,
        "switches.html",
        faults=world.faults.copy().values(),
        actions=ACTIONS,
        routes=ROUTES,
        statuses=_STATUSES,
        companies=list(world.companies.values()),
        settings=settings,
    )


@page("POST")
def set_fault(request: HttpRequest) -> HttpResponseBase:
    form = request.POST
    wish: dict[str, Any] = {"action": form.get("action"), "after_effect": form.get("when") == "after"}
    for key in ("route", "company"):
        wish[key] = form.get(key) or None
    try:
        wish |= {key: float(form[key]) for key in ("seconds", "jitter") if form.get(key)}
        wish |= {key: int(form[key]) for key in ("count", "status", "retry_after") if form.get(key)}
        switchboard.set_fault(wish)
    except (ValueError, Wrong) as wrong:
        return message(request, 422, "The switch cannot be set", str(wrong))
    return HttpResponseRedirect("/switches")


@page("POST")
def clear_faults(request: HttpRequest) -> HttpResponseBase:
    chosen = request.POST.get("fault", "")
    world.record("faults_cleared", ids=[int(chosen)] if chosen.isdigit() else [*world.faults])
    return HttpResponseRedirect("/switches")


@page("POST")
def change_settings(request: HttpRequest) -> HttpResponseBase:
    changes: dict[str, Any] = {}
    try:
        for key, value in asdict(world.settings).items():
            typed = request.POST.get(key, "")
            changes[key] = typed == "on" if isinstance(value, bool) else type(value)(typed)
        switchboard.change_settings(changes)
    except (ValueError, Wrong) as wrong:
        return message(request, 422, "The settings are not changed", str(wrong))
    return HttpResponseRedirect("/switches")


@page("POST")
def expire_tokens(request: HttpRequest) -> HttpResponseBase:
    switchboard.expire(request.POST.get("company") or None)
    return HttpResponseRedirect("/switches")


@page("POST")
def revoke(request: HttpRequest) -> HttpResponseBase:
    company = request.POST.get("company", "")
    if company in world.companies:
        world.record("revoked", company=company)
    return HttpResponseRedirect("/switches")


@page("GET")
def ledger(request: HttpRequest) -> HttpResponseBase:
    shown = request.GET.get("show", "effects")
    if shown not in _LEDGER_KINDS:
        return message(request, 404, "No such part", f"The ledger has {', '.join(_LEDGER_KINDS)}.")
    events = world.journal.tail(200, _LEDGER_KINDS[shown])
    rows = [
        (event["at"], event["kind"], {key: value for key, value in event.items() if key not in _HIDDEN})
        for event in events
    ]
    return show(request, "ledger.html", rows=rows, shown=shown, choices=[*_LEDGER_KINDS], end=world.journal.end)


@page("GET", "POST")
def breaches(request: HttpRequest) -> HttpResponseBase:
    if request.method == "POST":
        world.record("breaches_cleared")
        return HttpResponseRedirect("/breaches")
    return show(request, "breaches.html", breaches=world.breaches[:-201:-1])
