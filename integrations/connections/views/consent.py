"""The consent page: SmartRecruiters sends a customer's admin here, who approves or denies (INTERFACE.md, "Pages")."""

from urllib.parse import urlencode

import structlog
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View
from django.views.decorators.http import require_GET

from integrations.accounts.login_redirects import only_post
from integrations.connections import consents, lifecycle, popup
from integrations.connections.forms import DecisionForm, VisitForm
from integrations.customers import memberships
from integrations.http.ip_addresses import address_of
from integrations.http.trusted_origins import is_trusted, split
from integrations.models import ConnectAttempt, Consent, DisplayMode, User

log = structlog.get_logger(__name__)


def outcome(
    request: HttpRequest, name: str, status: int = 200, consent: Consent | None = None, **context: object
) -> HttpResponse:
    """A page of its own for each outcome. It leads back to SmartRecruiters where there is a way back."""
    back = consent.redirect if consent and is_trusted(consent.redirect) else ""
    context |= {"consent": consent, "back": back, "outcome": name}
    return render(request, f"integrations/consent/{name}.html", context, status=status)


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    """Check what SmartRecruiters sent, write it down, go on. What is wrong is never repeated on the page."""
    form = VisitForm(request.GET)
    if form.mode == DisplayMode.POPUP:
        popup.mark_popup(request)
    if not form.is_valid():
        log.warning("consent refused", wrong=sorted(form.errors))
        return outcome(request, "bad_visit", 400, is_untrusted="redirect" in form.errors)
    visit = form.cleaned_data
    consent = consents.open_visit(
        request, company_id=visit["companyId"], mode=form.mode, redirect=visit["redirect"] or ""
    )
    return redirect("consent", key=consent.key)


def visited(request: HttpRequest, key: str) -> Consent | HttpResponse:
    """The consent of this session, or the page that says why it is none."""
    consent = Consent.objects.filter(key=key).first()
    if consent is None:
        return outcome(request, "unknown", 400)
    if consent.mode == DisplayMode.POPUP:
        popup.mark_popup(request)
    if not consents.is_owned(request, consent):
        return outcome(request, "unknown", 400, another_window=entry_of(consent))
    if consents.is_expired(consent):
        return outcome(request, "expired", 410, consent)
    return consent


def entry_of(consent: Consent) -> str:
    """Where a visit in POPUP mode begins: a browser that keeps cookies out of frames may open it in a window."""
    if consent.mode != DisplayMode.POPUP:
        return ""
    return f"{reverse('consent_begin')}?{urlencode({'companyId': consent.company_id})}"


def sign_in(consent: Consent) -> HttpResponse:
    way_back = reverse("consent", kwargs={"key": consent.key})
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': way_back})}")


class ConsentPage(View):
    """Shows what is asked on GET; acts on POST only, once."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = visited(request, key)
        if isinstance(consent, HttpResponse):
            return consent
        if consent.decision:
            return redirect("consent_progress", key=key)
        if not isinstance(request.user, User):
            return sign_in(consent)
        if not (mine := memberships.that_may_connect(request.user)):
            return may_not(request, consent)
        return ask(request, consent, DecisionForm(memberships=mine))

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = visited(request, key)
        if isinstance(consent, HttpResponse):
            return consent
        if consent.decision:
            return outcome(request, "answered", 410, consent)
        if not isinstance(request.user, User):
            return sign_in(consent)
        form = DecisionForm(request.POST, memberships=memberships.that_may_connect(request.user))
        if not form.is_valid():
            return ask(request, consent, form, 400) if form.memberships else may_not(request, consent)
        try:
            return decide(request, consent, form)
        except lifecycle.ConsentSpent:
            return outcome(request, "answered", 410, consent)
        except lifecycle.MayNotConnect:
            return may_not(request, consent)
        except lifecycle.BelongsToAnother:
            return outcome(request, "belongs_to_another", 409, consent)


def may_not(request: HttpRequest, consent: Consent) -> HttpResponse:
    return outcome(request, "may_not", 403, consent, is_member=memberships.of(request.user).exists())


def ask(request: HttpRequest, consent: Consent, form: DecisionForm, status: int = 200) -> HttpResponse:
    wording = consents.show(consent)
    organisations = [
        {
            "customer": each.customer,
            "others": lifecycle.live_companies(each.customer, other_than=consent.company_id),
            "is_chosen": form["organisation"].value() == each.customer_id,
        }
        for each in form.memberships
    ]
    is_anothers = lifecycle.is_anothers(consent.company_id, [each.customer for each in form.memberships])
    context = {"consent": consent, "wording": wording, "form": form, "organisations": organisations}
    context["is_anothers"] = is_anothers
    page = render(request, "integrations/consent/ask.html", context, status=status)
    return landing(page, consent)


def landing(page: HttpResponse, consent: Consent) -> HttpResponse:
    """Chromium applies form-action to the redirect that follows a POST, so it must name where we redirect to."""
    if (parts := split(consent.redirect)) and is_trusted(consent.redirect):
        scheme, host, port, _ = parts
        page._csp_update = {"form-action": [f"{scheme}://{host}:{port}"]}  # type: ignore[attr-defined]
    return page


def decide(request: HttpRequest, consent: Consent, form: DecisionForm) -> HttpResponse:
    assert isinstance(request.user, User)  # noqa: S101 (the caller sends others to sign in)
    address = address_of(request)
    if form.cleaned_data["decision"] == "approve":
        if not consent.wording:
            consents.show(consent)
        lifecycle.approve(consent, by=request.user, customer=form.customer, address=address)
        return see_other(reverse("consent_progress", kwargs={"key": consent.key}))
    lifecycle.deny(consent, by=request.user, address=address)
    return leave(request, consent, "denied")


def see_other(url: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": url})


def leave(request: HttpRequest, consent: Consent, page: str) -> HttpResponse:
    """Back to SmartRecruiters by the address that was checked at the beginning, and is checked again."""
    if consent.mode == DisplayMode.REDIRECT and is_trusted(consent.redirect):
        return HttpResponseRedirect(consent.redirect)
    return outcome(request, page, consent=consent)


@require_GET
def progress(request: HttpRequest, key: str) -> HttpResponse:
    """Refreshes itself until SmartRecruiters has answered; then goes back there, or says what went wrong."""
    consent = visited(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    if not consent.decision:
        return redirect("consent", key=key)
    if consent.decision == "deny":
        return outcome(request, "denied", consent=consent)
    attempt = ConnectAttempt.objects.select_related("connection__customer").get(consent=consent)
    exchange = consents.exchange_of(attempt)
    if exchange.outcome == "done":
        return leave(request, consent, "done")
    return outcome(request, exchange.outcome, consent=consent, exchange=exchange)


@only_post
def try_again(request: HttpRequest, key: str) -> HttpResponse:
    """SmartRecruiters did not answer: ask it now, not when the schedule says."""
    consent = visited(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    if attempt := ConnectAttempt.objects.select_related("connection").filter(consent=consent).first():
        consents.hurry(attempt)
    return see_other(reverse("consent_progress", kwargs={"key": key}))


@only_post
def change_account(request: HttpRequest, key: str) -> HttpResponse:
    """Sign out and in as somebody else, and keep what was asked."""
    consent = visited(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    logout(request)
    consents.remember(request, consent)
    return sign_in(consent)
