"""The consent page: SmartRecruiters sends a customer's admin here, who approves or denies (INTERFACE.md, "Pages")."""

from urllib.parse import urlencode

import structlog
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View
from django.views.decorators.http import require_GET

from integrations.accounts.login_redirects import require_post
from integrations.audit import Actor
from integrations.connections import consents, lifecycle, popup
from integrations.connections.forms import ConsentRequestForm, DecisionForm
from integrations.customers import memberships
from integrations.http.trusted_origins import is_trusted, parse_url
from integrations.models import ConnectAttempt, Consent, DisplayMode, User

log = structlog.get_logger(__name__)


def render_outcome(
    request: HttpRequest, name: str, status: int = 200, consent: Consent | None = None, **context: object
) -> HttpResponse:
    """A page of its own for each outcome. It leads back to SmartRecruiters where there is a way back."""
    back = consent.redirect if consent and is_trusted(consent.redirect) else ""
    context |= {"consent": consent, "back": back, "outcome": name}
    return render(request, f"integrations/consent/{name}.html", context, status=status)


@require_GET
def begin_consent(request: HttpRequest) -> HttpResponse:
    """Check what SmartRecruiters sent, write it down, go on. What is wrong is never repeated on the page."""
    form = ConsentRequestForm(request.GET)
    if form.display_mode == DisplayMode.POPUP:
        popup.mark_popup(request)
    if not form.is_valid():
        log.warning("consent refused", wrong=sorted(form.errors))
        return render_outcome(request, "bad_visit", 400, is_untrusted="redirect" in form.errors)
    visit = form.cleaned_data
    consent = consents.start_consent(
        request, company_id=visit["companyId"], mode=form.display_mode, redirect=visit["redirect"] or ""
    )
    return redirect("consent", key=consent.key)


def load_consent(request: HttpRequest, key: str) -> Consent | HttpResponse:
    """The consent of this session, or the page that says why it is none."""
    consent = Consent.objects.filter(key=key).first()
    if consent is None:
        return render_outcome(request, "unknown", 400)
    if consent.mode == DisplayMode.POPUP:
        popup.mark_popup(request)
    if not consents.is_owned(request, consent):
        return render_outcome(request, "unknown", 400, another_window=popup_entry_url(consent))
    if consents.is_expired(consent):
        return render_outcome(request, "expired", 410, consent)
    return consent


def popup_entry_url(consent: Consent) -> str:
    """Where a visit in POPUP mode begins: a browser that keeps cookies out of frames may open it in a window."""
    if consent.mode != DisplayMode.POPUP:
        return ""
    return f"{reverse('consent_begin')}?{urlencode({'companyId': consent.company_id})}"


def redirect_to_login(consent: Consent) -> HttpResponse:
    way_back = reverse("consent", kwargs={"key": consent.key})
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': way_back})}")


class ConsentView(View):
    """Shows what is asked on GET; acts on POST only, once."""

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = load_consent(request, key)
        if isinstance(consent, HttpResponse):
            return consent
        if consent.decision:
            return redirect("consent_progress", key=key)
        if not isinstance(request.user, User):
            return redirect_to_login(consent)
        if not (mine := memberships.connectable_memberships(request.user)):
            return render_forbidden(request, consent)
        return render_consent_form(request, consent, DecisionForm(memberships=mine))

    def post(self, request: HttpRequest, key: str) -> HttpResponse:
        consent = load_consent(request, key)
        if isinstance(consent, HttpResponse):
            return consent
        if consent.decision:
            return render_outcome(request, "answered", 410, consent)
        if not isinstance(request.user, User):
            return redirect_to_login(consent)
        form = DecisionForm(request.POST, memberships=memberships.connectable_memberships(request.user))
        if not form.is_valid():
            return (
                render_consent_form(request, consent, form, 400)
                if form.memberships
                else render_forbidden(request, consent)
            )
        try:
            return apply_decision(request, consent, form)
        except lifecycle.ConsentUsedError:
            return render_outcome(request, "answered", 410, consent)
        except lifecycle.NotAllowedError:
            return render_forbidden(request, consent)
        except lifecycle.CompanyTakenError:
            return render_outcome(request, "belongs_to_another", 409, consent)


def render_forbidden(request: HttpRequest, consent: Consent) -> HttpResponse:
    return render_outcome(
        request, "may_not", 403, consent, is_member=memberships.active_memberships(request.user).exists()
    )


def render_consent_form(request: HttpRequest, consent: Consent, form: DecisionForm, status: int = 200) -> HttpResponse:
    wording = consents.record_wording(consent)
    organisations = [
        {
            "customer": each.customer,
            "others": lifecycle.live_companies(each.customer, other_than=consent.company_id),
            "is_chosen": form["organisation"].value() == each.customer_id,
        }
        for each in form.memberships
    ]
    is_anothers = lifecycle.is_taken_by_other(consent.company_id, [each.customer for each in form.memberships])
    context = {"consent": consent, "wording": wording, "form": form, "organisations": organisations}
    context["is_taken_by_other"] = is_anothers
    page = render(request, "integrations/consent/ask.html", context, status=status)
    return allow_form_target(page, consent)


def allow_form_target(page: HttpResponse, consent: Consent) -> HttpResponse:
    """Chromium applies form-action to the redirect that follows a POST, so it must name where we redirect to."""
    if (parts := parse_url(consent.redirect)) and is_trusted(consent.redirect):
        scheme, host, port, _ = parts
        page._csp_update = {"form-action": [f"{scheme}://{host}:{port}"]}  # type: ignore[attr-defined]
    return page


def apply_decision(request: HttpRequest, consent: Consent, form: DecisionForm) -> HttpResponse:
    actor = Actor.from_request(request)
    if form.cleaned_data["decision"] == "approve":
        if not consent.wording:
            consents.record_wording(consent)
        lifecycle.approve_consent(consent, actor=actor, customer=form.chosen_customer)
        return see_other(reverse("consent_progress", kwargs={"key": consent.key}))
    lifecycle.deny_consent(consent, actor=actor)
    return return_to_smartrecruiters(request, consent, "denied")


def see_other(url: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": url})


def return_to_smartrecruiters(request: HttpRequest, consent: Consent, page: str) -> HttpResponse:
    """Back to SmartRecruiters by the address that was checked at the beginning, and is checked again."""
    if consent.mode == DisplayMode.REDIRECT and is_trusted(consent.redirect):
        return HttpResponseRedirect(consent.redirect)
    return render_outcome(request, page, consent=consent)


@require_GET
def show_progress(request: HttpRequest, key: str) -> HttpResponse:
    """Refreshes itself until SmartRecruiters has answered; then goes back there, or says what went wrong."""
    consent = load_consent(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    if not consent.decision:
        return redirect("consent", key=key)
    if consent.decision == "deny":
        return render_outcome(request, "denied", consent=consent)
    attempt = ConnectAttempt.objects.select_related("connection__customer").get(consent=consent)
    exchange = consents.get_exchange_status(attempt)
    if exchange.page_name == "done":
        return return_to_smartrecruiters(request, consent, "done")
    return render_outcome(request, exchange.page_name, consent=consent, exchange=exchange)


@require_post
def retry_exchange(request: HttpRequest, key: str) -> HttpResponse:
    """SmartRecruiters did not answer: ask it now, not when the schedule says."""
    consent = load_consent(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    if attempt := ConnectAttempt.objects.select_related("connection").filter(consent=consent).first():
        consents.retry_now(attempt)
    return see_other(reverse("consent_progress", kwargs={"key": key}))


@require_post
def change_account(request: HttpRequest, key: str) -> HttpResponse:
    """Sign out and in as somebody else, and keep what was asked."""
    consent = load_consent(request, key)
    if isinstance(consent, HttpResponse):
        return consent
    logout(request)
    consents.remember_consent(request, consent)
    return redirect_to_login(consent)
