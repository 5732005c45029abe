"""The recruiter's view: the candidates, and one candidate's panel with orders, scores and reports."""

import mimetypes
from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from integrations.simulator import sample_data
from integrations.simulator.entities import FINAL_STATUSES, Order
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner.orders import send_order
from integrations.simulator.runtime import state, uploads_dir

_KIND_LABELS = {
    "manual": "Ordered by hand",
    "bulk": "Ordered in a bulk move",
    "hiring_step": "Ordered by a hiring step",
    "inline": "Ordered while applying",
}
_UPLOAD_CONTENT_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class PanelOrder:
    """An order as the panel lays it out."""

    order: Order
    kind: str
    assessments: list[dict[str, Any]]
    attachments: list[dict[str, str]]


@page_view("GET")
def list_candidates(request: HttpRequest, company: str) -> HttpResponseBase:
    people = {
        each["id"]: each
        for each in (sample_data.build_candidate(company, n) for n in range(sample_data.CANDIDATE_COUNT))
    }
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
        return render_message(
            request, 404, "There is no such candidate", "He may belong to another company.", company=company
        )
    orders = [each for each in state.list_orders(company) if each.candidate["id"] == candidate_id]
    job = state.jobs[person["primaryAssignment"]["job"]["id"]][1]
    waiting = any(each.is_accepted and each.status not in FINAL_STATUSES for each in orders)
    shown = [_build_panel_order(each) for each in orders]
    return render_page(
        request, "panel.html", company=company, person=person, job=job, panel_orders=shown, waiting=waiting
    )


def _build_panel_order(order: Order) -> PanelOrder:
    names = {each["id"]: each.get("name", each["id"]) for each in _get_assessments(order)}
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


def _get_assessments(order: Order) -> list[dict[str, Any]]:
    return list(state.packages.get(order.company, {}).get(order.package, {}).get("assessments") or [])


@page_view("POST")
def retry_order(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    """Send the order once more, the same to the letter."""
    order = state.orders.get(order_id)
    if order is None or order.company != company:
        return render_message(
            request, 404, "There is no such order", "It may belong to another company.", company=company
        )
    send_order(order_id)
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


@page_view("POST")
def announce_correction(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    order = state.orders.get(order_id)
    if order is None or order.company != company:
        return render_message(
            request, 404, "There is no such order", "It may belong to another company.", company=company
        )
    state.record_event("correction_announced", order_id=order_id, reason="announced by a person")
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


def serve_report(request: HttpRequest, upload_id: str, name: str) -> HttpResponseBase:
    """A file the vendor uploaded."""
    if not upload_id.isalnum() or not (uploads_dir / upload_id).is_file():
        return HttpResponse(status=404)
    kind = _UPLOAD_CONTENT_TYPES.get("." + name.rpartition(".")[2].lower()) or mimetypes.guess_type(name)[0]
    kind = kind if kind in _UPLOAD_CONTENT_TYPES.values() else "application/octet-stream"
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse((uploads_dir / upload_id).open("rb"), content_type=kind, headers=headers)
