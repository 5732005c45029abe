"""Recruiter's view: the candidates, and one candidate's panel with orders, scores and reports."""

from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner.orders import send_order
from integrations.simulator.store import sample_data
from integrations.simulator.store.entities import FINAL_STATUSES, Order
from integrations.simulator.store.runtime import state, uploads_dir

_KIND_LABELS = {
    "manual": "Ordered manually",
    "bulk": "Ordered in a bulk move",
    "hiring_step": "Ordered by a hiring step",
    "inline": "Ordered while applying",
}
_UPLOAD_CONTENT_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class PanelOrder:
    order: Order
    kind: str
    assessments: list[dict[str, Any]]
    attachments: list[dict[str, str]]


@page_view("GET")
def list_candidates(request: HttpRequest, company: str) -> HttpResponseBase:
    people = {each["id"]: each for each in sample_data.build_candidates(company)}
    orders: dict[str, list[Order]] = {}
    for order in state.list_orders(company)[:500]:
        people.setdefault(order.candidate["id"], order.candidate)
        orders.setdefault(order.candidate["id"], []).append(order)
    rows = [(person, orders.get(person_id, [])) for person_id, person in list(people.items())[:200]]
    return render_page(request, "candidates.html", company=company, rows=rows)


@page_view("GET")
def show_candidate(request: HttpRequest, company: str, candidate_id: str) -> HttpResponseBase:
    owner, person = state.candidates.get(candidate_id, ("", {}))
    if owner != company:
        return _render_not_found(request, "Candidate", company)
    orders = [each for each in state.list_orders(company) if each.candidate["id"] == candidate_id]
    job = state.jobs[person["primaryAssignment"]["job"]["id"]][1]
    waiting = any(each.is_accepted and each.status not in FINAL_STATUSES for each in orders)
    context: dict[str, Any] = {"person": person, "job": job, "waiting": waiting}
    context["panel_orders"] = [_build_panel_order(each) for each in orders]
    return render_page(request, "panel.html", company=company, **context)


def _render_not_found(request: HttpRequest, what: str, company: str) -> HttpResponse:
    return render_message(request, 404, f"{what} not found", "It may belong to another company.", company=company)


def _build_panel_order(order: Order) -> PanelOrder:
    assessments = state.packages.get(order.company, {}).get(order.package, {}).get("assessments") or []
    names = {each["id"]: each.get("name", each["id"]) for each in assessments}
    results = [
        {**each, "title": each.get("name") or names.get(each["assessmentId"], each["assessmentId"])}
        for each in order.result.get("assessmentResults") or []
    ]
    uploaded = {each.url: each.name for each in order.uploads}
    attachments = [
        {**each, "name": uploaded.get(each["url"]) or f"Report {number}"}
        for number, each in enumerate(order.result.get("attachments") or [], start=1)
    ]
    return PanelOrder(order, _KIND_LABELS[order.kind], results, attachments)


@page_view("POST")
def retry_order(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    order = state.orders.get(order_id)
    if order is None or order.company != company:
        return _render_not_found(request, "Order", company)
    send_order(order_id)
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


@page_view("POST")
def announce_correction(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    order = state.orders.get(order_id)
    if order is None or order.company != company:
        return _render_not_found(request, "Order", company)
    state.record_event("correction_announced", order_id=order_id, reason="announced by a person")
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


def serve_report(request: HttpRequest, upload_id: str, name: str) -> HttpResponseBase:
    if not upload_id.isalnum() or not (uploads_dir / upload_id).is_file():
        return HttpResponse(status=404)
    content_type = _UPLOAD_CONTENT_TYPES.get("." + name.rpartition(".")[2].lower(), "application/octet-stream")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse((uploads_dir / upload_id).open("rb"), content_type=content_type, headers=headers)
