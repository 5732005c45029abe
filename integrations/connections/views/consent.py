"""Consent page: a customer's administrator, sent here by SmartRecruiters, approves or denies the connection."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

import structlog
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_safe

from integrations.accounts.login_redirects import require_post
from integrations.audit import Actor
from integrations.connections import consents, lifecycle, popup
from integrations.connections.claims import ownership
from integrations.connections.claims.requests import ClaimDeniedError
from integrations.connections.forms import ConsentRequestForm, DecisionForm
from integrations.customers import memberships
from integrations.http.trusted_origins import is_trusted, parse_return_url
from integrations.models import ClaimState, ConnectAttempt, Consent, DisplayMode, User
from integrations.outbox import deliveries

log = structlog.get_logger(__name__)


def render_outcome(
    request: HttpRequest, name: str, status: int = 200, consent: Consent | None = None, **context: object
) -> HttpResponse:
    """Render the outcome's page, with a link back to SmartRecruiters if the consent has a trusted `redirect`."""
    back = consent.redirect if consent and is_trusted(consent.redirect) else ""
    context |= {"consent": consent, "back": back, "outcome": name}
    return render(request, f"integrations/consent/{name}.html", context, status=status)


class ConsentStartView(View):
    """Validate and store SmartRecruiters' parameters. Invalid values are never shown on the page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = ConsentRequestForm(request.GET)
        if form.display_mode == DisplayMode.POPUP:
            popup.mark_popup(request)
        if not form.is_valid():
            log.warning("consent refused", invalid=sorted(form.errors))
            return render_outcome(request, "bad_visit", 400, refusal=form.refusal)
        company_id, redirect_url = form.cleaned_data["company_id"], form.cleaned_data["redirect"] or ""
        try:
            consent = consents.start_consent(
                request, company_id=company_id, mode=form.display_mode, redirect=redirect_url
            )
        except consents.TooManyVisitsError:
            return render_outcome(request, "too_many_visits", 429)
        return redirect("consent", key=consent.key)


def with_consent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Pass this session's consent to the view, or respond with a page if it is unknown, foreign or expired."""

    @wraps(view)
    def wrapped_view(request: HttpRequest, key: str) -> HttpResponseBase:
        consent = Consent.objects.filter(key=key).first()
        if consent is None:
            return render_outcome(request, "unknown", 400)
        if consent.mode == DisplayMode.POPUP:
            popup.mark_popup(request)
        if not consents.is_owned(request, consent):
            window_url = consents.build_entry_url(consent) if consent.mode == DisplayMode.POPUP else ""
            is_without_cookies = popup.is_framed(request) and not request.COOKIES
            return render_outcome(request, "unknown", 400, window_url=window_url, is_without_cookies=is_without_cookies)
        if not consent.decision and consent.expires_at <= timezone.now():
            return render_outcome(request, "expired", 410, consent)
        return view(request, consent)

    return wrapped_view


def redirect_to_login(consent: Consent) -> HttpResponse:
    consent_url = reverse("consent", kwargs={"key": consent.key})
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': consent_url})}")


class ConsentView(View):
    """Show the request on GET, and record the decision on POST, once."""

    @method_decorator(with_consent)
    def get(self, request: HttpRequest, consent: Consent) -> HttpResponse:
        if consent.decision:
            return redirect("consent_progress", key=consent.key)
        if not isinstance(request.user, User):
            return redirect_to_login(consent)
        if not (connectable := memberships.connectable_memberships(request.user)):
            return render_forbidden(request, consent)
        return render_consent_form(request, consent, DecisionForm(memberships=connectable))

    @method_decorator(with_consent)
    def post(self, request: HttpRequest, consent: Consent) -> HttpResponse:
        if consent.decision:
            return respond_again(request, consent)
        if not isinstance(request.user, User):
            return redirect_to_login(consent)
        form = DecisionForm(request.POST, memberships=memberships.connectable_memberships(request.user))
        if not form.is_valid() and form.memberships:
            return render_consent_form(request, consent, form, 400)
        if not form.is_valid():
            return render_forbidden(request, consent)
        try:
            return apply_decision(request, consent, form)
        except lifecycle.ConsentUsedError:
            consent.refresh_from_db()
            return respond_again(request, consent)
        except lifecycle.NotAllowedError:
            return render_forbidden(request, consent)
        except lifecycle.CompanyTakenError:
            return render_outcome(request, "belongs_to_another", 409, consent)
        except ClaimDeniedError:
            return render_outcome(request, "not_confirmed", 403, consent)
        except lifecycle.TooManyTriesError:
            return render_outcome(request, "too_many_tries", 429, consent)


def respond_again(request: HttpRequest, consent: Consent) -> HttpResponse:
    """Answer a double click on a button like the first click. Any other answer to a decided consent changes nothing."""
    if not consent.decision:
        return render_outcome(request, "expired", 410, consent)
    if consent.decision != request.POST.get("decision") or consent.user_id != request.user.pk:
        return render_outcome(request, "answered", 410, consent)
    return continue_decided(request, consent)


def continue_decided(request: HttpRequest, consent: Consent) -> HttpResponse:
    if consent.decision == "approve":
        return see_other(reverse("consent_progress", kwargs={"key": consent.key}))
    return return_to_smartrecruiters(request, consent, "denied")


def render_forbidden(request: HttpRequest, consent: Consent) -> HttpResponse:
    is_member = memberships.active_memberships(request.user).exists()
    locked = memberships.find_locked_customers(request.user)
    return render_outcome(request, "may_not", 403, consent, is_member=is_member or bool(locked), locked=locked)


def render_consent_form(request: HttpRequest, consent: Consent, form: DecisionForm, status: int = 200) -> HttpResponse:
    wording = consents.record_wording(consent)
    organisations = [
        {
            "customer": each.customer,
            "others": lifecycle.live_companies(each.customer, other_than=consent.company_id),
            "needs_confirmation": ownership.needs_confirmation(consent.company_id, each.customer),
            "is_chosen": form["organisation"].value() == each.customer_id,
        }
        for each in form.memberships
    ]
    context = {
        "consent": consent,
        "wording": wording,
        "form": form,
        "organisations": organisations,
        "is_taken_by_other": ownership.is_taken_by_other(consent.company_id, [m.customer for m in form.memberships]),
    }
    page = render(request, "integrations/consent/ask.html", context, status=status)
    return allow_form_target(page, consent)


def allow_form_target(page: HttpResponse, consent: Consent) -> HttpResponse:
    """Add the consent's `redirect` to the CSP: Chromium applies form-action to the redirect after a POST, too."""
    if (parts := parse_return_url(consent.redirect)) and is_trusted(consent.redirect):
        scheme, host, port, _ = parts
        page._csp_update = {"form-action": [f"{scheme}://{host}:{port}"]}  # type: ignore[attr-defined]
    return page


def apply_decision(request: HttpRequest, consent: Consent, form: DecisionForm) -> HttpResponse:
    actor = Actor.from_request(request)
    if form.cleaned_data["decision"] == "approve":
        if not consent.wording:
            consents.record_wording(consent)
        lifecycle.approve_consent(consent, actor=actor, customer=form.chosen_customer)
    else:
        lifecycle.deny_consent(consent, actor=actor)
    return continue_decided(request, consent)


def see_other(url: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": url})


def return_to_smartrecruiters(request: HttpRequest, consent: Consent, page: str) -> HttpResponse:
    """Redirect to the consent's `redirect`, which is checked again, or render the page in POPUP mode."""
    if consent.mode == DisplayMode.REDIRECT and is_trusted(consent.redirect):
        # Not HttpResponseRedirect, which refuses URLs of more than 2,048 characters.
        return HttpResponse(status=302, headers={"Location": consent.redirect})
    return render_outcome(request, page, consent=consent)


@require_safe
@with_consent
def show_progress(request: HttpRequest, consent: Consent) -> HttpResponse:
    """Show a page that reloads until SmartRecruiters has answered, then redirect back or show the failure."""
    if not consent.decision:
        return redirect("consent", key=consent.key)
    if consent.decision == "deny":
        return render_outcome(request, "denied", consent=consent)
    attempt = ownership.find_attempt(consent)
    if attempt is None:
        return render_claim(request, consent)
    exchange = consents.load_exchanges([attempt])[attempt.pk]
    if exchange.page_name == "done":
        return return_to_smartrecruiters(request, consent, "done")
    return render_outcome(request, exchange.page_name, consent=consent, exchange=exchange)


def render_claim(request: HttpRequest, consent: Consent) -> HttpResponse:
    """Show the state of an approval that staff have to confirm, before it leads to an attempt to connect."""
    if consent.claim is None:
        return render_outcome(request, "request_ended", consent=consent)
    if consent.claim.state == ClaimState.DENIED:
        return render_outcome(request, "not_confirmed", consent=consent)
    # Not for ever: each refresh counts as activity of the session.
    refreshes = consent.expires_at > timezone.now()
    return render_outcome(request, "waiting", consent=consent, refreshes=refreshes)


@require_post
@with_consent
def retry_exchange(request: HttpRequest, consent: Consent) -> HttpResponse:
    """Send the exchange now instead of at its scheduled time."""
    attempt = ConnectAttempt.objects.select_related("connection").filter(consent=consent).first()
    if attempt and (delivery := consents.get_exchange_delivery(attempt)):
        deliveries.retry_now(delivery)
    return see_other(reverse("consent_progress", kwargs={"key": consent.key}))


@require_post
@with_consent
def change_account(request: HttpRequest, consent: Consent) -> HttpResponse:
    """Sign out, and keep the consent for the next sign-in."""
    logout(request)
    consents.remember_consent(request, consent)
    return redirect_to_login(consent)
