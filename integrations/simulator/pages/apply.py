"""A candidate applies, and is sent to the assessment on the way: inline orders."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator import sample_data
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner.http_client import PortalCallError, Reply
from integrations.simulator.partner.orders import OrderSpec, place_orders
from integrations.simulator.partner.packages import fetch_packages as ask_for_packages
from integrations.simulator.runtime import state


@page_view("GET", "POST")
def apply_for_job(request: HttpRequest, company: str) -> HttpResponseBase:
    if request.method == "POST":
        return _submit_application(request, company)
    offered = bool(state.configuration and state.configuration.get("inlineAssessmentPackageOrderUrl"))
    reply = None
    if offered and state.companies[company].is_connected:
        try:
            reply = ask_for_packages(company)
        except PortalCallError as impossible:
            reply = Reply(None, 0.0, problem=str(impossible))
    listed = reply.body if reply is not None and not reply.problem and isinstance(reply.body, list) else []
    return render_page(
        request,
        "apply.html",
        company=company,
        offered=offered,
        reply=reply,
        packages=[each for each in listed if each["type"] == "INLINE_ASSESSMENT"],
        candidates=[sample_data.build_candidate(company, number) for number in range(sample_data.CANDIDATE_COUNT)],
        jobs=sample_data.build_jobs(company),
    )


def _submit_application(request: HttpRequest, company: str) -> HttpResponseBase:
    number, job = request.POST.get("candidate", "0"), request.POST.get("job", "")
    wish = OrderSpec(
        company=company,
        package=request.POST.get("package", ""),
        kind="inline",
        candidates=(int(number) if number.isdigit() else 0,),
        job=int(job) if job.isdigit() else None,
    )
    try:
        [order] = place_orders(wish)
    except PortalCallError as impossible:
        return render_message(request, 409, "The assessment cannot start", str(impossible), company=company)
    if order.url is None:
        said = order.answers[-1].problem if order.answers else None
        text = f"The vendor gave no address to go to: {said}. The application is kept; apply again to try once more."
        return render_message(request, 502, "The assessment cannot start", text, company=company)
    return HttpResponseRedirect(order.url)


@page_view("GET")
def show_thanks(request: HttpRequest, order_id: str) -> HttpResponseBase:
    """`completedAssessmentCallbackUrl`: the candidate is back."""
    order = state.orders.get(order_id)
    if order is None:
        return render_message(request, 404, "There is no such application", "The link may be incomplete.")
    return render_page(request, "thanks.html", order=order, company=order.company)
