"""The recruiter's view: the candidates, and one candidate's panel with orders, scores and reports."""

import mimetypes
from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from integrations.simulator import sample_data
from integrations.simulator.entities import FINAL, Order
from integrations.simulator.pages.layout import message, page, show
from integrations.simulator.partner.orders import send
from integrations.simulator.runtime import files, world

_KINDS = {
    "manual": "Ordered by hand",
    "bulk": "Ordered in a bulk move",
    "hiring_step": "Ordered by a hiring step",
    "inline": "Ordered while applying",
}
_UPLOADED = {".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


@dataclass(frozen=True)
class Shown:
    """An order as the panel lays it out."""

    order: Order
    kind: str
    assessments: list[dict[str, Any]]
    attachments: list[dict[str, str]]


@page("GET")
def everybody(request: HttpRequest, company: str) -> HttpResponseBase:
    people = {
        each["id"]: each for each in (sample_data.candidate(company, n) for n in range(sample_data.CANDIDATES_SHOWN))
    }
    orders: dict[str, list[Order]] = {}
    for order in world.of_company(company)[:500]:
        people.setdefault(order.candidate["id"], order.candidate)
        orders.setdefault(order.candidate["id"], []).append(order)
    rows = [(person, orders.get(person_id, [])) for person_id, person in list(people.items())[:200]]
    return show(request, "candidates.html", company=company, rows=rows)


@page("GET")
def panel(request: HttpRequest, company: str, candidate_id: str) -> HttpResponseBase:
    owner, person = world.people.get(candidate_id, ("", {}))
    if owner != company:
        return message(request, 404, "There is no such candidate", "He may belong to another company.", company=company)
    orders = [each for each in world.of_company(company) if each.candidate["id"] == candidate_id]
    job = world.jobs[person["primaryAssignment"]["job"]["id"]][1]
    waiting = any(each.accepted and each.status not in FINAL for each in orders)
    shown = [_shown(each) for each in orders]
    return show(request, "panel.html", company=company, person=person, job=job, shown=shown, waiting=waiting)


def _shown(order: Order) -> Shown:
    names = {each["id"]: each.get("name", each["id"]) for each in _assessments(order)}
    results = [
        {**each, "title": each.get("name") or names.get(each["assessmentId"], each["assessmentId"])}
        for each in order.result.get("assessmentResults") or []
    ]
    uploaded = {each.url: each.name for each in order.uploads}
    attachments = [
        {**each, "name": uploaded.get(each["url"]) or f"Report {number}"}
        for number, each in enumerate(order.result.get("attachments") or [], start=1)
    ]
    return Shown(order, _KINDS[order.kind], results, attachments)


def _assessments(order: Order) -> list[dict[str, Any]]:
    return list(world.packages.get(order.company, {}).get(order.package, {}).get("assessments") or [])


@page("POST")
def retry(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    """Send the order once more, the same to the letter."""
    order = world.orders.get(order_id)
    if order is None or order.company != company:
        return message(request, 404, "There is no such order", "It may belong to another company.", company=company)
    send(order_id)
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


@page("POST")
def announce(request: HttpRequest, company: str, order_id: str) -> HttpResponseBase:
    order = world.orders.get(order_id)
    if order is None or order.company != company:
        return message(request, 404, "There is no such order", "It may belong to another company.", company=company)
    world.record("correction_announced", order_id=order_id, reason="announced by a person")
    return HttpResponseRedirect(f"/companies/{company}/candidates/{order.candidate['id']}")


def report(request: HttpRequest, upload_id: str, name: str) -> HttpResponseBase:
    """A file the vendor uploaded."""
    if not upload_id.isalnum() or not (files / upload_id).is_file():
        return HttpResponse(status=404)
    kind = _UPLOADED.get("." + name.rpartition(".")[2].lower()) or mimetypes.guess_type(name)[0]
    kind = kind if kind in _UPLOADED.values() else "application/octet-stream"
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse((files / upload_id).open("rb"), content_type=kind, headers=headers)
