"""Browsing the vendor's packages, and ordering: for one candidate, for many at once, by a hiring step."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict

from integrations.simulator import sample_data
from integrations.simulator.pages.layout import message, page, show
from integrations.simulator.partner.http_client import NotPossible, Reply
from integrations.simulator.partner.orders import Wish, place
from integrations.simulator.partner.packages import packages as ask_for_packages
from integrations.simulator.runtime import world
from integrations.simulator.wire.configuration import LOCATION_KEYS

KINDS = {
    "manual": "One candidate, ordered by hand",
    "bulk": "Many candidates, moved at once",
    "hiring_step": "By a hiring step, with nobody asking",
}
_BULK_AT_MOST = 500
_JOB_KEYS = ("countryCode", "regionCode", "city", "address", "postalCode", "remote")


@page("GET")
def packages(request: HttpRequest, company: str) -> HttpResponseBase:
    """What this requester sees for a job in this place. INLINE_ASSESSMENT shows elsewhere."""
    location = _location(request.GET, company)
    mapped = {each["id"]: request.GET.get(f"field.{each['id']}", "") for each in _fields()}
    reply = None
    if world.companies[company].connected:
        sent = {key: value for key, value in mapped.items() if value}
        try:
            reply = ask_for_packages(
                company, requester=_requester(request.GET, company), location=location, fields=sent
            )
        except NotPossible as impossible:
            reply = Reply(None, 0.0, problem=str(impossible))
    return show(
        request,
        "packages.html",
        company=company,
        jobs=sample_data.jobs(company),
        job=request.GET.get("job", "0"),
        requester=request.GET.get("requester", _recruiter(company)),
        location=location,
        location_keys=LOCATION_KEYS,
        fields=[(each, mapped[each["id"]]) for each in _fields()],
        reply=reply,
        packages=_for_profiles(reply),
        candidate=request.GET.get("candidate", ""),
    )


def _for_profiles(reply: Reply | None) -> list[dict[str, object]]:
    if reply is None or reply.problem or not isinstance(reply.body, list):
        return []
    return [each for each in reply.body if each["type"] != "INLINE_ASSESSMENT"]


def _fields() -> list[dict[str, str]]:
    return list((world.configuration or {}).get("fields") or [])


def _recruiter(company: str) -> str:
    return f"recruiter@{company}.example"


def _requester(query: QueryDict, company: str) -> str:
    return str(query.get("requester", _recruiter(company))).strip()


def _location(query: QueryDict, company: str) -> dict[str, str]:
    """The chosen job's place; a key that was typed over wins, and a key that was emptied is not sent."""
    job = query.get("job", "0")
    place = sample_data.job_of(company, int(job))["location"] if job.isdigit() else {}
    known = {key: str(place.get(name, "")) for key, name in zip(LOCATION_KEYS, _JOB_KEYS, strict=True)}
    known["remote"] = known["remote"].lower()
    typed = query.get("typed") == job
    return {key: str(query.get(key, value)) if typed else value for key, value in known.items()}


@page("GET", "POST")
def order(request: HttpRequest, company: str) -> HttpResponseBase:
    if not world.companies[company].connected:
        return HttpResponseRedirect(f"/companies/{company}/packages")
    package_id = request.POST.get("package") or request.GET.get("package", "")
    if request.method == "POST":
        return _place(request, company, package_id)
    return show(
        request,
        "order.html",
        company=company,
        package=world.packages.get(company, {}).get(package_id, {"id": package_id}),
        kinds=KINDS,
        candidates=[sample_data.candidate(company, number) for number in range(sample_data.CANDIDATES_SHOWN)],
        candidate=request.GET.get("candidate", ""),
        jobs=sample_data.jobs(company),
        requester=_recruiter(company),
        fields=_fields(),
        bulk_at_most=_BULK_AT_MOST,
    )


def _place(request: HttpRequest, company: str, package_id: str) -> HttpResponseBase:
    form = request.POST
    kind, number, job = form.get("kind", "manual"), form.get("candidate", "0"), form.get("job", "")
    count = int(form["count"]) if form.get("count", "").isdigit() else 1
    wish = Wish(
        company=company,
        package=package_id,
        kind=kind if kind in KINDS else "manual",
        candidates=() if kind == "bulk" or not number.isdigit() else (int(number),),
        count=max(1, min(_BULK_AT_MOST, count)),
        requester=form.get("requester") or None,
        job=int(job) if job.isdigit() else None,
        fields={each["id"]: form[f"field.{each['id']}"] for each in _fields() if form.get(f"field.{each['id']}")},
    )
    try:
        made = place(wish)
    except NotPossible as impossible:
        return message(request, 409, "This cannot be ordered", str(impossible), company=company)
    if len(made) == 1:
        return HttpResponseRedirect(f"/companies/{company}/candidates/{made[0].candidate['id']}")
    return HttpResponseRedirect(f"/companies/{company}/orders")


@page("GET")
def placed(request: HttpRequest, company: str) -> HttpResponseBase:
    every = world.of_company(company)
    return show(request, "orders.html", company=company, orders=every[:200], total=len(every))
