"""A candidate applies, and is sent to the assessment on the way: inline orders."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator import sample_data
from integrations.simulator.pages.layout import message, page, show
from integrations.simulator.partner.http_client import NotPossible, Reply
from integrations.simulator.partner.orders import Wish, place
from integrations.simulator.partner.packages import packages as ask_for_packages
from integrations.simulator.runtime import world


@page("GET", "POST")
def form(request: HttpRequest, company: str) -> HttpResponseBase:
    if request.method == "POST":
        return _apply(request, company)
    offered = bool(world.configuration and world.configuration.get("inlineAssessmentPackageOrderUrl"))
    reply = None
    if offered and world.companies[company].connected:
        try:
            reply = ask_for_packages(company)
        except NotPossible as impossible:
            reply = Reply(None, 0.0, problem=str(impossible))
    listed = reply.body if reply is not None and not reply.problem and isinstance(reply.body, list) else []
    return show(
        request,
        "apply.html",
        company=company,
        offered=offered,
        reply=reply,
        packages=[each for each in listed if each["type"] == "INLINE_ASSESSMENT"],
        candidates=[sample_data.candidate(company, number) for number in range(sample_data.CANDIDATES_SHOWN)],
        jobs=sample_data.jobs(company),
    )


def _apply(request: HttpRequest, company: str) -> HttpResponseBase:
    number, job = request.POST.get("candidate", "0"), request.POST.get("job", "")
    wish = Wish(
        company=company,
        package=request.POST.get("package", ""),
        kind="inline",
        candidates=(int(number) if number.isdigit() else 0,),
        job=int(job) if job.isdigit() else None,
    )
    try:
        [order] = place(wish)
    except NotPossible as impossible:
        return message(request, 409, "The assessment cannot start", str(impossible), company=company)
    if order.url is None:
        said = order.answers[-1].problem if order.answers else None
        text = f"The vendor gave no address to go to: {said}. The application is kept; apply again to try once more."
        return message(request, 502, "The assessment cannot start", text, company=company)
    return HttpResponseRedirect(order.url)


@page("GET")
def thanks(request: HttpRequest, order_id: str) -> HttpResponseBase:
    """`completedAssessmentCallbackUrl`: the candidate is back."""
    order = world.orders.get(order_id)
    if order is None:
        return message(request, 404, "There is no such application", "The link may be incomplete.")
    return show(request, "thanks.html", order=order, company=order.company)
