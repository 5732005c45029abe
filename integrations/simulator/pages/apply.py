"""Career site: a candidate applies, and takes an inline assessment on the way."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.pages.orders import select_packages, try_fetch_packages
from integrations.simulator.partner.http_client import PortalCallError
from integrations.simulator.partner.orders import OrderSpec, place_orders
from integrations.simulator.store import sample_data
from integrations.simulator.store.runtime import state


@page_view("GET", "POST")
def apply_for_job(request: HttpRequest, company: str) -> HttpResponseBase:
    if request.method == "POST":
        return _submit_application(request, company)
    offered = bool(state.configuration and state.configuration.get("inlineAssessmentPackageOrderUrl"))
    reply = try_fetch_packages(company) if offered and state.companies[company].is_connected else None
    return render_page(
        request,
        "apply.html",
        company=company,
        offered=offered,
        reply=reply,
        packages=select_packages(reply, inline=True),
        candidates=sample_data.build_candidates(company),
        jobs=sample_data.build_jobs(company),
    )


def _submit_application(request: HttpRequest, company: str) -> HttpResponseBase:
    number, job = request.POST.get("candidate", "0"), request.POST.get("job", "")
    spec = OrderSpec(
        company=company,
        package=request.POST.get("package", ""),
        kind="inline",
        candidates=(int(number) if number.isdigit() else 0,),
        job=int(job) if job.isdigit() else None,
    )
    try:
        [order] = place_orders(spec)
    except PortalCallError as error:
        return render_message(request, 409, "The assessment cannot start", str(error), company=company)
    if order.url is None:
        problem = order.answers[-1].problem if order.answers else None
        text = f"The vendor's portal returned no URL: {problem}. Apply again to retry."
        return render_message(request, 502, "The assessment cannot start", text, company=company)
    return HttpResponseRedirect(order.url)


@page_view("GET")
def show_thanks(request: HttpRequest, order_id: str) -> HttpResponseBase:
    """Show the page behind `completedAssessmentCallbackUrl`, where the candidate returns."""
    order = state.orders.get(order_id)
    if order is None:
        return render_message(request, 404, "Application not found", "The link may be incomplete.")
    return render_page(request, "thanks.html", order=order, company=order.company)
