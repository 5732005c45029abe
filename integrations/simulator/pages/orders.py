"""Pages for browsing packages and placing orders."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict

from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner.http_client import PortalCallError, Reply
from integrations.simulator.partner.orders import OrderSpec, place_orders
from integrations.simulator.partner.packages import fetch_packages
from integrations.simulator.store import sample_data
from integrations.simulator.store.runtime import state
from integrations.simulator.wire.configuration import LOCATION_KEYS

KIND_LABELS = {
    "manual": "One candidate, ordered manually",
    "bulk": "Many candidates, ordered in a bulk move",
    "hiring_step": "By a hiring step, without a requester",
}
_MAX_BULK_ORDERS = 500
_JOB_LOCATION_KEYS = ("countryCode", "regionCode", "city", "address", "postalCode", "remote")


@page_view("GET")
def list_packages(request: HttpRequest, company: str) -> HttpResponseBase:
    """List the packages for this requester and location. Inline assessments are on the career site."""
    location = _get_location(request.GET, company)
    fields = {each["id"]: request.GET.get(f"field.{each['id']}", "") for each in _get_fields()}
    requester = str(request.GET.get("requester", _get_recruiter_email(company)))
    reply = None
    if state.companies[company].is_connected:
        given = {key: value for key, value in fields.items() if value}
        reply = try_fetch_packages(company, requester=requester.strip(), location=location, fields=given)
    return render_page(
        request,
        "packages.html",
        company=company,
        jobs=sample_data.build_jobs(company),
        job=request.GET.get("job", "0"),
        requester=requester,
        location=location,
        location_keys=LOCATION_KEYS,
        fields=[(each, fields[each["id"]]) for each in _get_fields()],
        reply=reply,
        packages=select_packages(reply, inline=False),
        candidate=request.GET.get("candidate", ""),
    )


def try_fetch_packages(company: str, **options: Any) -> Reply:
    """Fetch the packages; a portal that cannot be called is a reply with a problem."""
    try:
        return fetch_packages(company, **options)
    except PortalCallError as error:
        return Reply(None, 0.0, problem=str(error))


def select_packages(reply: Reply | None, *, inline: bool) -> list[dict[str, object]]:
    if reply is None or reply.problem or not isinstance(reply.body, list):
        return []
    return [each for each in reply.body if (each["type"] == "INLINE_ASSESSMENT") == inline]


def _get_fields() -> list[dict[str, str]]:
    return list((state.configuration or {}).get("fields") or [])


def _get_recruiter_email(company: str) -> str:
    return f"recruiter@{company}.example"


def _get_location(query: QueryDict, company: str) -> dict[str, str]:
    """Return the chosen job's location, overridden by the submitted values if `typed` names the same job."""
    job = query.get("job", "0")
    source = sample_data.get_job(company, int(job))["location"] if job.isdigit() else {}
    location = {key: str(source.get(name, "")) for key, name in zip(LOCATION_KEYS, _JOB_LOCATION_KEYS, strict=True)}
    location["remote"] = location["remote"].lower()
    is_overridden = query.get("typed") == job
    return {key: str(query.get(key, value)) if is_overridden else value for key, value in location.items()}


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
        candidates=sample_data.build_candidates(company),
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
    spec = OrderSpec(
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
        orders = place_orders(spec)
    except PortalCallError as error:
        return render_message(request, 409, "The order cannot be placed", str(error), company=company)
    if len(orders) == 1:
        return HttpResponseRedirect(f"/companies/{company}/candidates/{orders[0].candidate['id']}")
    return HttpResponseRedirect(f"/companies/{company}/orders")


@page_view("GET")
def list_orders(request: HttpRequest, company: str) -> HttpResponseBase:
    orders = state.list_orders(company)
    return render_page(request, "orders.html", company=company, orders=orders[:200], total=len(orders))
