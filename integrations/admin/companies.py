"""Admin of customers' claims on companies, which staff confirm or deny, and of incidents."""

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations import incidents
from integrations.audit import Actor
from integrations.connections.claims import decisions, ownership
from integrations.connections.lifecycle import CompanyTakenError
from integrations.models import ClaimState, CompanyClaim, Customer, Incident, IncidentKind
from integrations.staff.display import relative_time, render_status_badge, time_column
from integrations.staff.filters import ConditionFilter
from integrations.staff.model_admin import (
    ActionError,
    ObjectAction,
    ReadOnlyAdmin,
    ReadOnlyInline,
    link_column,
    render_admin_link,
)

CAREER_SITE = "https://careers.smartrecruiters.com/{}"


def assign(request: HttpRequest, company_id: str, customer: Customer) -> str:
    """Assign the company and return a message. Raises ActionError if it belongs to another customer."""
    try:
        claim = decisions.assign_company(company_id, customer, actor=Actor.from_request(request))
    except CompanyTakenError:
        owner = ownership.find_owner(company_id)
        hint = " If that is wrong, use “Move to another customer” on the page of its connection."
        raise ActionError(f"The company {company_id} belongs to {owner}. Nothing was changed.{hint}") from None
    whose = f"The company {company_id} belongs to {customer} now."
    if claim.consents.exclude(attempt=None).exists():
        return f"{whose} The exchange of credentials with SmartRecruiters has started."
    return f"{whose} The customer’s administrators can connect it from SmartRecruiters."


def _confirm_consequences(claim: CompanyClaim) -> list[str]:
    lines = [f"The company {claim.company_id} belongs to {claim.customer}: no other customer can connect it."]
    if consent := ownership.find_waiting_consent(claim):
        who = consent.user or "A former user"
        lines.append(f"{who} approved the connection. The exchange of credentials with SmartRecruiters starts now.")
    others = [each for each in ownership.list_waiting_claims(claim.company_id) if each != claim]
    lines += [f"The request of {each.customer} for the same company is denied." for each in others]
    return [*lines, "The administrators of the customers get an email."]


class CompanyColumnsMixin:
    @admin.display(description="company", ordering="company_id")
    def claim_link(self, claim: CompanyClaim) -> SafeString:
        return render_admin_link(claim, claim.company_id)

    @admin.display(description="state", ordering="state")
    def state_badge(self, claim: CompanyClaim) -> SafeString:
        return render_status_badge(claim.state)


class ClaimsInline(CompanyColumnsMixin, ReadOnlyInline):
    model = CompanyClaim
    verbose_name_plural = "companies"
    fields = ("claim_link", "state_badge", "requested_time", "decided_time")
    requested_time = time_column("requested_at", "requested")
    decided_time = time_column("decided_at", "decided")


@admin.register(CompanyClaim)
class CompanyClaimAdmin(CompanyColumnsMixin, ReadOnlyAdmin):
    plural = "Companies"
    empty_list_text = "Companies appear here that you assign to a customer, or that a customer asks to connect."
    list_display = ("company_id", "customer_link", "state_badge", "requested_time", "decided_time")
    list_filter = ("state", "customer")
    list_select_related = ("customer",)
    search_fields = ("company_id", "customer__name")
    search_help_text = "By company id or customer."
    fields = (
        *("company_text", "customer_link", "state_badge", "approval", "others"),
        *("requested_at", "decided_at", "decided_by"),
    )
    requested_time = time_column("requested_at", "requested")
    decided_time = time_column("decided_at", "decided")

    def get_audit_subject(self, claim: CompanyClaim) -> str:
        return claim.company_id

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "confirm",
                "Confirm",
                lambda request, claim: assign(request, claim.company_id, claim.customer),
                _confirm_consequences,
                lambda claim: claim.state in (ClaimState.WAITING, ClaimState.DENIED),
            ),
            ObjectAction(
                "deny",
                "Deny",
                self._deny_request,
                lambda claim: [
                    f"{claim.customer} does not connect {claim.company_id}, and cannot ask again.",
                    "Its administrators get an email. You can still confirm the request later.",
                ],
                lambda claim: claim.state == ClaimState.WAITING,
                is_destructive=True,
            ),
            ObjectAction(
                "unassign",
                "Take back",
                self._unassign,
                lambda claim: [
                    f"The company {claim.company_id} belongs to no customer any more. Its next request waits for you."
                ],
                lambda claim: claim.state == ClaimState.ASSIGNED and not decisions.has_connection(claim),
                is_destructive=True,
            ),
        )

    def _deny_request(self, request: HttpRequest, claim: CompanyClaim) -> str:
        if not decisions.deny_claim(claim, actor=Actor.from_request(request)):
            raise ActionError("This request does not wait any more.")
        return f"The request of {claim.customer} was denied."

    def _unassign(self, request: HttpRequest, claim: CompanyClaim) -> str:
        if not decisions.unassign_company(claim, actor=Actor.from_request(request)):
            raise ActionError(f"{claim.customer} has connected {claim.company_id}, which stays its own.")
        return f"The company {claim.company_id} belongs to no customer any more."

    customer_link = link_column("customer", ordering="customer__name")

    @admin.display(description="company")
    def company_text(self, claim: CompanyClaim) -> SafeString:
        url = CAREER_SITE.format(claim.company_id)
        return format_html('{} <a href="{}" target="_blank" rel="noreferrer">career site</a>', claim.company_id, url)

    @admin.display(description="approved by")
    def approval(self, claim: CompanyClaim) -> SafeString:
        consent = claim.consents.select_related("user").order_by("-decided_at").first()
        if consent is None:
            return SafeString("–")
        who, when = render_admin_link(consent, consent.user or "a deleted user"), relative_time(consent.decided_at)
        return format_html("{}, {}, from {}", who, when, consent.ip or "an unknown IP address")

    @admin.display(description="other customers")
    def others(self, claim: CompanyClaim) -> SafeString:
        """Return the other claims on the company, so that staff compare them before they decide."""
        same = CompanyClaim.objects.filter(company_id__iexact=claim.company_id).exclude(pk=claim.pk)
        rows = [(render_admin_link(each, each.customer), render_status_badge(each.state)) for each in same]
        owner = ownership.find_owner(claim.company_id)
        if owner not in (None, claim.customer, *(each.customer for each in same)):
            rows.append((render_admin_link(owner), SafeString("has connected it")))
        return format_html_join(SafeString("<br>"), "{} {}", rows) or SafeString("None")


class IncidentStateFilter(ConditionFilter):
    title = "state"
    parameter_name = "state"

    def get_conditions(self) -> dict[str, tuple[str, Q]]:
        return {
            "open": ("Open", Q(closed_at=None)),
            "closed": ("Closed", ~Q(closed_at=None)),
        }


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    empty_list_text = "Incidents appear here: what you should look into, such as two customers that claim one company."
    list_display = ("kind_text", "subject", "customer_link", "state_badge", "count", "first_time", "last_time")
    list_filter = (IncidentStateFilter, "kind")
    list_select_related = ("customer",)
    search_fields = ("=subject", "customer__name")
    search_help_text = "By company id or customer."
    fields = ("kind_text", "subject", "customer_link", "state_badge", "count", "first_at", "last_at", "closed_at")
    first_time = time_column("first_at", "first")
    last_time = time_column("last_at", "last")

    def get_audit_subject(self, incident: Incident) -> str:
        return incident.subject

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "close",
                "Close",
                self._close,
                lambda incident: ["The incident leaves the overview. If it happens again, a new one appears."],
                lambda incident: incident.closed_at is None,
            ),
        )

    def _close(self, request: HttpRequest, incident: Incident) -> str:
        if not incidents.close_incident(incident, actor=Actor.from_request(request)):
            raise ActionError("This incident was closed before.")
        return "The incident was closed."

    @admin.display(description="kind", ordering="kind")
    def kind_text(self, incident: Incident) -> str:
        return IncidentKind(incident.kind).label

    customer_link = link_column("customer", ordering="customer__name")

    @admin.display(description="state")
    def state_badge(self, incident: Incident) -> SafeString:
        return render_status_badge("closed" if incident.closed_at else "open")
