"""Companies and their Apps page: connect, in both display modes, and disconnect."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse

from integrations.simulator import consent
from integrations.simulator.pages.layout import page_view, render_message, render_page
from integrations.simulator.partner import disable_call
from integrations.simulator.store.runtime import state

_UNPUBLISHED = "The vendor has not published its partner configuration yet. Run manage.py publish_configuration."


@page_view("GET")
def list_companies(request: HttpRequest) -> HttpResponseBase:
    companies = [(each, len(state.order_ids_by_company.get(each.id, []))) for each in list(state.companies.values())]
    return render_page(request, "home.html", companies=companies[:50], more=max(0, len(companies) - 50))


@page_view("GET")
def show_apps(request: HttpRequest, company: str) -> HttpResponseBase:
    return render_page(request, "apps.html", company=company, display_mode=consent.get_display_mode())


@page_view("GET", "POST")
def connect_company(request: HttpRequest, company: str) -> HttpResponseBase:
    """Show SmartRecruiters' permission page; allowing redirects to the vendor's consent page."""
    if state.configuration is None:
        return render_message(request, 404, "The app is not set up", _UNPUBLISHED, company=company)
    if request.method == "GET":
        return render_page(request, "permission.html", company=company, scopes=consent.SCOPE_DESCRIPTIONS)
    url = consent.grant_consent(company)
    if consent.get_display_mode() == "POPUP" or url is None:
        return HttpResponseRedirect(f"/companies/{company}/popup")
    return HttpResponseRedirect(url)


@page_view("GET")
def show_popup(request: HttpRequest, company: str) -> HttpResponseBase:
    """Show the consent page in a pop-up (600 px by 45 % of the screen) or a frame, which `popup.js` closes."""
    url = consent.build_consent_url(company)
    if url is None:
        return render_message(request, 404, "The app is not set up", _UNPUBLISHED, company=company)
    return render_page(request, "popup.html", company=company, consent_url=url, framed="frame" in request.GET)


@page_view("GET")
def get_connection(request: HttpRequest, company: str) -> HttpResponseBase:
    return JsonResponse({"connected": state.companies[company].is_connected})


@page_view("GET")
def show_connected(request: HttpRequest, company: str) -> HttpResponseBase:
    """Show whether the company is connected, as the target of the vendor's `redirect`."""
    return render_page(request, "connected.html", company=company)


@page_view("POST")
def disconnect_company(request: HttpRequest, company: str) -> HttpResponseBase:
    disable_call.disconnect_company(company)
    return HttpResponseRedirect(f"/companies/{company}/apps")


@page_view("POST")
def notify_disabled(request: HttpRequest, company: str) -> HttpResponseBase:
    disable_call.notify_disabled(company)
    return HttpResponseRedirect(f"/companies/{company}/apps")
