"""Browsing the vendor's packages, and ordering: for one candidate, for many at once, by a hiring step."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict

from integrations.simulator import sample_data
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner.http_client import PortalCallError, Reply
from integrations.simulator.partner.orders import OrderSpec, place_orders
from integrations.simulator.partner.packages import fetch_packages as ask_for_packages
from integrations.simulator.runtime import state
from integrations.simulator.wire.configuration import LOCATION_KEYS

KIND_LABELS = {
    "manual": "One candidate, ordered by hand",
    "bulk": "Many candidates, moved at once",
    "hiring_step": "By a hiring step, with nobody asking",
}
_MAX_BULK_ORDERS = 500
_JOB_LOCATION_KEYS = ("countryCode", "regionCode", "city", "address", "postalCode", "remote")


@page_view("GET")
def list_packages(request: HttpRequest, company: str) -> HttpResponseBase:
    """What this requester sees for a job in this place. INLINE_ASSESSMENT shows elsewhere."""
    location = _get_location(request.GET, company)
    mapped = {each["id"]: request.GET.get(f"field.{each['id']}", "") for each in _get_fields()}
    reply = None
    if state.companies[company].is_connected:
        sent = {key: value for key, value in mapped.items() if value}
        try:
            reply = ask_for_packages(
                company, requester=_get_requester(request.GET, company), location=location, fields=sent
            )
        except PortalCallError as impossible:
            reply = Reply(None, 0.0, problem=str(impossible))
    return render_page(
        request,
        "packages.html",
        company=company,
        jobs=sample_data.build_jobs(company),
        job=request.GET.get("job", "0"),
        requester=request.GET.get("requester", _get_recruiter_email(company)),
        location=location,
        location_keys=LOCATION_KEYS,
        fields=[(each, mapped[each["id"]]) for each in _get_fields()],
        reply=reply,
        packages=_exclude_inline(reply),
        candidate=request.GET.get("candidate", ""),
    )


def _exclude_inline(reply: Reply | None) -> list[dict[str, object]]:
    if reply is None or reply.problem or not isinstance(reply.body, list):
        return []
    return [each for each in reply.body if each["type"] != "INLINE_ASSESSMENT"]


def _get_fields() -> list[dict[str, str]]:
    return list((state.configuration or {}).get("fields") or [])


def _get_recruiter_email(company: str) -> str:
    return f"recruiter@{company}.example"


def _get_requester(query: QueryDict, company: str) -> str:
    return str(query.get("requester", _get_recruiter_email(company))).strip()


def _get_location(query: QueryDict, company: str) -> dict[str, str]:
    """The chosen job's place; a key that was typed over wins, and a key that was emptied is not sent."""
    job = query.get("job", "0")
    place = sample_data.get_job(company, int(job))["location"] if job.isdigit() else {}
    known = {key: str(place.get(name, "")) for key, name in zip(LOCATION_KEYS, _JOB_LOCATION_KEYS, strict=True)}
    known["remote"] = known["remote"].lower()
    typed = query.get("typed") == job
    return {key: str(query.get(key, value)) if typed else value for key, value in known.items()}


@page_view("GET", "POST")
def order_package(request: HttpRequest, company: str) -> HttpResponseBase:
    if not state.companies[company].is_connected:
        return HttpResponseRedirect(f"/companies/{company}/packages")
    package_id = request.POST.get("package") or request.GET.get("package", "")
    if request.method == "POST":
        return _submit_order(request, company, package_id)
    return render_page(
        request,
        "order.html",
        company=company,
        package=state.packages.get(company, {}).get(package_id, {"id": package_id}),
        kinds=KIND_LABELS,
        candidates=[sample_data.build_candidate(company, number) for number in range(sample_data.CANDIDATE_COUNT)],
        candidate=request.GET.get("candidate", ""),
        jobs=sample_data.build_jobs(company),
        requester=_get_recruiter_email(company),
        fields=_get_fields(),
        bulk_at_most=_MAX_BULK_ORDERS,
    )


def _submit_order(request: HttpRequest, company: str, package_id: str) -> HttpResponseBase:
    form = request.POST
    kind, number, job = form.get("kind", "manual"), form.get("candidate", "0"), form.get("job", "")
    count = int(form["count"]) if form.get("count", "").isdigit() else 1
    wish = OrderSpec(
        company=company,
        package=package_id,
        kind=kind if kind in KIND_LABELS else "manual",
        candidates=() if kind == "bulk" or not number.isdigit() else (int(number),),
        count=max(1, min(_MAX_BULK_ORDERS, count)),
        requester=form.get("requester") or None,
        job=int(job) if job.isdigit() else None,
        fields={each["id"]: form[f"field.{each['id']}"] for each in _get_fields() if form.get(f"field.{each['id']}")},
    )
    try:
        made = place_orders(wish)
    except PortalCallError as impossible:
        return render_message(request, 409, "This cannot be ordered", str(impossible), company=company)
    if len(made) == 1:
        return HttpResponseRedirect(f"/companies/{company}/candidates/{made[0].candidate['id']}")
    return HttpResponseRedirect(f"/companies/{company}/orders")


@page_view("GET")
def list_orders(request: HttpRequest, company: str) -> HttpResponseBase:
    every = state.list_orders(company)
    return render_page(request, "orders.html", company=company, orders=every[:200], total=len(every))
