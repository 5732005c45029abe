"""Admin of connections, their attempts to connect, and consents."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.api.authentication import wait_for_token_cache
from integrations.audit import Actor
from integrations.connections import advice, lifecycle
from integrations.connections.claims import decisions, ownership
from integrations.models import (
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    Customer,
    PartnerConfiguration,
    ReportDelivery,
    User,
)
from integrations.staff.display import format_count, render_status_badge, time_column
from integrations.staff.model_admin import (
    ActionError,
    ObjectAction,
    ReadOnlyAdmin,
    ReadOnlyInline,
    get_choice,
    get_reason,
    link_column,
    render_admin_link,
)

REPORT_ACTIONS = (
    (ReportDelivery.HOSTED, "reports-linked", "Send links to reports", "Recruiters receive links to hosted reports."),
    (
        ReportDelivery.UPLOAD,
        "reports-uploaded",
        "Upload reports",
        "Files are uploaded to SmartRecruiters. Files that it refuses are sent as links.",
    ),
    ("", "reports-configured", "Use the default for reports", "Reports are sent as set in the partner configuration."),
)


class AttemptInline(ReadOnlyInline):
    model = ConnectAttempt
    verbose_name_plural = "attempts to connect"
    fields = ("started_time", "state_badge", "reason", "client_id_sent", "consent_link", "finished_time")
    started_time = time_column("created_at", "started")
    finished_time = time_column("finished_at", "finished")

    @admin.display(description="state")
    def state_badge(self, attempt: ConnectAttempt) -> SafeString:
        return render_status_badge(attempt.state)

    @admin.display(description="consent by")
    def consent_link(self, attempt: ConnectAttempt) -> SafeString:
        consent = attempt.consent
        return render_admin_link(consent, consent.user or "a deleted user") if consent else SafeString("–")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("consent__user", "connection")


def _describe_move(connection: Connection) -> list[str]:
    company, customer = connection.company_id, connection.customer
    count = format_count(connection.orders.count(), "order")
    return [
        f"{customer} is disconnected immediately: SmartRecruiters’ credentials stop working, and {customer} cannot "
        f"connect {company} again.",
        f"What {customer} received stays with it, and only its people see it: {count}, with results and reports. Erase "
        "what it should never have had.",
        "Results that were not sent yet are not sent any more.",
        f"{company} belongs to the new customer. Its administrators connect it from SmartRecruiters without "
        "confirmation; the company has to disconnect there first. If their request waits, the exchange starts now.",
        f"Requests of others for {company} are denied. Nobody of {customer} gets an email: tell them yourself.",
    ]


def _list_other_customers(connection: Connection) -> list[tuple[str, str]]:
    others = Customer.objects.filter(is_active=True).exclude(pk=connection.customer_id)
    return [(each.pk, str(each)) for each in others]


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    empty_list_text = "Connections appear here. Customers connect from the list of apps in SmartRecruiters."
    list_display = ("company_id", "customer_link", "state_badge", "connected_time", "updated_time")
    list_filter = ("state", "customer")
    list_select_related = ("customer",)
    search_fields = ("=company_id", "customer__name")
    search_help_text = "By company id or customer."
    fieldsets = (
        (None, {"fields": ("company_id", "customer_link", "state_badge", "next_step", "report_delivery_text")}),
        ("Dates", {"fields": ("created_at", "connected_at", "updated_at", "disabled_at", "released_at")}),
        ("Credentials", {"fields": ("our_credentials", "their_credentials")}),
    )
    inlines = (AttemptInline,)

    def get_audit_subject(self, connection: Connection) -> str:
        return connection.company_id

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "retry",
                "Try again",
                self._retry_connection,
                lambda connection: [
                    "The connection is used again, with the stored credentials.",
                    "Deliveries on hold are sent. If SmartRecruiters refuses them again, they are put on hold again.",
                ],
                lambda connection: (
                    connection.state == ConnectionState.NEEDS_RECONNECT and bool(connection.their_client_id)
                ),
            ),
            ObjectAction(
                "disconnect",
                "Disconnect",
                self._disconnect_company,
                lambda connection: [
                    f"The SmartRecruiters company {connection.company_id} loses access immediately: its users can "
                    "neither see packages nor place orders.",
                    "Results that were not sent yet are put on hold until the same company connects again.",
                    "Orders and results stay here. The customer has to disconnect in SmartRecruiters too.",
                ],
                lambda connection: connection.accepts_calls,
                is_destructive=True,
                is_grave=True,
                permission="disconnect",
            ),
            ObjectAction(
                "move",
                "Move to another customer",
                self._move_company,
                _describe_move,
                lambda connection: connection.released_at is None and not ownership.is_unclaimed(connection),
                is_destructive=True,
                is_grave=True,
                permission="move",
                requires_reason=True,
                choice_label="new customer",
                choices=_list_other_customers,
            ),
            *(self._report_action(*each) for each in REPORT_ACTIONS),
        )

    def _report_action(self, report_delivery: str, name: str, label: str, consequence: str) -> ObjectAction:
        unchanged = "Reports that were already sent stay as they are. Inline orders always use links."
        return ObjectAction(
            name,
            label,
            lambda request, connection: self._set_report_delivery(request, connection, report_delivery),
            lambda connection: [consequence, unchanged],
            lambda connection: connection.report_delivery != report_delivery,
            permission="configure",
        )

    def _set_report_delivery(self, request: HttpRequest, connection: Connection, report_delivery: str) -> str:
        Connection.objects.filter(pk=connection.pk).update(report_delivery=report_delivery)
        detail = {"report_delivery": report_delivery or "default"}
        self.record_audit(request, "connection.changed", connection.company_id, **detail)
        connection.report_delivery = report_delivery
        return f"Reports are now sent as: {self.report_delivery_text(connection)}."

    def _retry_connection(self, request: HttpRequest, connection: Connection) -> str:
        if not lifecycle.retry_connection(connection, actor=Actor(cast(User, request.user))):
            raise ActionError("This is not possible: there are no stored credentials, or the connection works again.")
        return "The connection is used again. Deliveries on hold are being sent."

    def _disconnect_company(self, request: HttpRequest, connection: Connection) -> str:
        lifecycle.disable_connection(connection, actor=Actor.from_request(request), reason="Disconnected by staff.")
        return f"The company {connection.company_id} was disconnected."

    def _move_company(self, request: HttpRequest, connection: Connection) -> str:
        customer = Customer.objects.get(pk=get_choice(request))
        actor, reason = Actor.from_request(request), get_reason(request)
        try:
            decisions.move_company(connection, customer, actor=actor, reason=reason)
        except decisions.MoveError:
            raise ActionError(
                "Nothing was changed. The company was moved meanwhile; look at its new customer."
            ) from None
        wait_for_token_cache()
        return f"The company {connection.company_id} belongs to {customer} now, whose administrators can connect it."

    @admin.display(description="state", ordering="state")
    def state_badge(self, connection: Connection) -> SafeString:
        return format_html('{}<span class="second">{}</span>', render_status_badge(connection.state), connection.reason)

    customer_link = link_column("customer", ordering="customer__name")

    connected_time = time_column("connected_at", "connected")
    updated_time = time_column("updated_at", "last change")

    @admin.display(description="next step")
    def next_step(self, connection: Connection) -> str:
        return advice.advise_staff(connection)

    @admin.display(description="reports are sent as")
    def report_delivery_text(self, connection: Connection) -> str:
        delivery = connection.report_delivery or PartnerConfiguration.load().report_delivery
        source = "" if connection.report_delivery else " (default of the partner configuration)"
        return f"{ReportDelivery(delivery).label.lower()}{source}"

    @admin.display(description="our credentials, used by SmartRecruiters")
    def our_credentials(self, connection: Connection) -> str:
        return "Active" if connection.clients.filter(revoked_at=None).exists() else "None active"

    @admin.display(description="their credentials, used by the portal")
    def their_credentials(self, connection: Connection) -> str:
        return "Stored, encrypted" if connection.their_client_secret_sealed else "None"


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    empty_list_text = "Consent records appear here: who approved or denied a connection, and the text that they saw."
    list_display = ("company_id", "decision_badge", "user", "ip", "created_time", "decided_time")
    list_filter = ("decision", "mode")
    list_select_related = ("user",)
    search_fields = ("=company_id", "=user__email")
    date_hierarchy = "created_at"
    fields = (
        "company_id",
        "mode",
        "redirect",
        "decision_badge",
        "user",
        "customer",
        "ip",
        "created_at",
        "decided_at",
        "wording_version",
        "wording",
    )

    def get_audit_subject(self, consent: Consent) -> str:
        return consent.company_id

    @admin.display(description="decision", ordering="decision")
    def decision_badge(self, consent: Consent) -> SafeString:
        words = {"approve": ("live", "Approved"), "deny": ("refused", "Denied")}
        return render_status_badge(*words.get(consent.decision, ("pending", "Not decided")))

    created_time = time_column("created_at", "opened")
    decided_time = time_column("decided_at", "decided")
