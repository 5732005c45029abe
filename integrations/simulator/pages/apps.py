"""The customer's companies and their Apps page: connect, in both display modes, and disconnect."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse

from integrations.simulator import consent
from integrations.simulator.pages.layout import message, page, show
from integrations.simulator.partner import disable_call
from integrations.simulator.runtime import world

_UNPUBLISHED = "The vendor has published no partner configuration yet: run manage.py publish_configuration."


@page("GET")
def home(request: HttpRequest) -> HttpResponseBase:
    companies = [(each, len(world.orders_of.get(each.id, []))) for each in list(world.companies.values())]
    return show(request, "home.html", companies=companies[:50], more=max(0, len(companies) - 50))


@page("GET")
def company_apps(request: HttpRequest, company: str) -> HttpResponseBase:
    return show(request, "apps.html", company=company, display_mode=consent.display_mode())


@page("GET", "POST")
def connect(request: HttpRequest, company: str) -> HttpResponseBase:
    """SmartRecruiters' own permission page; allowing leads to the vendor's consent page."""
    if world.configuration is None:
        return message(request, 404, "The app is not set up", _UNPUBLISHED, company=company)
    if request.method == "GET":
        return show(request, "permission.html", company=company, scopes=consent.SCOPES)
    url = consent.grant(company)
    if consent.display_mode() == "POPUP" or url is None:
        return HttpResponseRedirect(f"/companies/{company}/popup")
    return HttpResponseRedirect(url)


@page("GET")
def popup(request: HttpRequest, company: str) -> HttpResponseBase:
    """The pop-up of 600 px by 45 % of the screen, or the same in a frame; `popup.js` closes it."""
    url = consent.consent_url(company)
    if url is None:
        return message(request, 404, "The app is not set up", _UNPUBLISHED, company=company)
    return show(request, "popup.html", company=company, consent_url=url, framed="frame" in request.GET)


@page("GET")
def connection(request: HttpRequest, company: str) -> HttpResponseBase:
    return JsonResponse({"connected": world.companies[company].connected})


@page("GET")
def connected(request: HttpRequest, company: str) -> HttpResponseBase:
    """Where the vendor's `redirect` leads; what it shows is what the exchange of credentials made true."""
    return show(request, "connected.html", company=company)


@page("POST")
def disconnect(request: HttpRequest, company: str) -> HttpResponseBase:
    disable_call.disconnect(company)
    return HttpResponseRedirect(f"/companies/{company}/apps")


@page("POST")
def tell_disabled(request: HttpRequest, company: str) -> HttpResponseBase:
    disable_call.tell_disabled(company)
    return HttpResponseRedirect(f"/companies/{company}/apps")
