"""Connections, their tries to connect and the consents behind them. Verbs alone move the state."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.audit import Actor
from integrations.connections import lifecycle
from integrations.models import (
    ConnectAttempt,
    Connection,
    ConnectionState,
    Consent,
    PartnerConfiguration,
    ReportDelivery,
    User,
)
from integrations.staff.display import relative_time, render_status_badge
from integrations.staff.model_admin import ActionError, ObjectAction, ReadOnlyAdmin, ReadOnlyInline, render_admin_link

ADVICE = {
    ConnectionState.APPROVED: "The exchange of credentials is about to begin. Nothing to do.",
    ConnectionState.EXCHANGING: "SmartRecruiters is being asked for its credentials. Nothing to do; if this stays for "
    "minutes, look at the master stream in the outbox.",
    ConnectionState.LIVE: "Orders come in, results go out. Nothing to do.",
    ConnectionState.REFUSED: "The customer's administrator activates us under “Apps” in SmartRecruiters, then connects "
    "from there again.",
    ConnectionState.NEEDS_RECONNECT: "Orders are still accepted; what is to be sent is held, nothing is lost. If "
    "their credentials were refused by mistake, try again. Otherwise the customer disconnects in SmartRecruiters and "
    "connects again; then everything held goes out.",
    ConnectionState.DISABLED: "No calls are accepted. What was to be sent is held until the same company connects "
    "again.",
}


REPORT_ACTIONS = (
    (ReportDelivery.HOSTED, "reports-linked", "Send links to reports", "Recruiters get links to reports hosted here."),
    (
        ReportDelivery.UPLOAD,
        "reports-uploaded",
        "Upload reports",
        "Files are uploaded to SmartRecruiters; what it does not take goes out as a link.",
    ),
    ("", "reports-configured", "Reports as configured", "Reports go out as the partner configuration says."),
)


class AttemptInline(ReadOnlyInline):
    model = ConnectAttempt
    verbose_name_plural = "tries to connect"
    fields = ("begun", "state_badge", "reason", "client_id_sent", "consent_link", "finished")
    readonly_fields = fields

    def begun(self, attempt: ConnectAttempt) -> SafeString | str:
        return relative_time(attempt.created_at)

    def finished(self, attempt: ConnectAttempt) -> SafeString | str:
        return relative_time(attempt.finished_at)

    @admin.display(description="state")
    def state_badge(self, attempt: ConnectAttempt) -> SafeString:
        return render_status_badge(attempt.state)

    @admin.display(description="consent of")
    def consent_link(self, attempt: ConnectAttempt) -> SafeString:
        consent = attempt.consent
        return render_admin_link(consent, consent.user or "somebody since deleted") if consent else SafeString("–")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("consent__user", "connection")


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    empty_list_text = "Connections will stand here. A customer makes one from the list of apps in SmartRecruiters."
    list_display = ("company_id", "customer_link", "state_badge", "connected_time", "updated_time")
    list_filter = ("state", "customer")
    list_select_related = ("customer",)
    search_fields = ("=company_id", "customer__name")
    search_help_text = "By company id or customer."
    fieldsets = (
        (None, {"fields": ("company_id", "customer_link", "state_badge", "what_to_do", "report_delivery_text")}),
        ("Dates", {"fields": ("created_at", "connected_at", "updated_at", "disabled_at")}),
        ("Credentials", {"fields": ("our_credentials", "their_credentials")}),
    )
    readonly_fields = (
        "customer_link",
        "state_badge",
        "what_to_do",
        "report_delivery_text",
        "our_credentials",
        "their_credentials",
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
                    "The connection is taken as good again, with the credentials we have.",
                    "Everything that was held for it is sent. If SmartRecruiters refuses again, it is held again.",
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
                    f"SmartRecruiters' company {connection.company_id} is cut off at once: its tokens die, its people "
                    "see no packages and place no orders.",
                    "Results that are not sent yet are held. They go out when the same company connects again.",
                    "Orders and results stay here. The customer has to disconnect in SmartRecruiters too.",
                ],
                lambda connection: connection.state not in (ConnectionState.DISABLED, ConnectionState.REFUSED),
                is_destructive=True,
                permission="disconnect",
            ),
            *(self._report_action(*each) for each in REPORT_ACTIONS),
        )

    def _report_action(self, report_delivery: str, name: str, label: str, consequence: str) -> ObjectAction:
        return ObjectAction(
            name,
            label,
            lambda request, connection: self._set_report_delivery(request, connection, report_delivery),
            lambda connection: [consequence, "What went out already stays as it is; inline orders always use links."],
            lambda connection: connection.report_delivery != report_delivery,
            permission="configure",
        )

    def _set_report_delivery(self, request: HttpRequest, connection: Connection, report_delivery: str) -> str:
        Connection.objects.filter(pk=connection.pk).update(report_delivery=report_delivery)
        self.record_audit(
            request, "connection.changed", connection.company_id, report_delivery=report_delivery or "as configured"
        )
        connection.report_delivery = report_delivery
        return f"Reports reach recruiters as: {self.report_delivery_text(connection)}."

    def _retry_connection(self, request: HttpRequest, connection: Connection) -> str:
        if not lifecycle.retry_connection(connection, actor=Actor(cast(User, request.user))):
            raise ActionError(
                "There is nothing to try: we hold no credentials of theirs, or the connection works again."
            )
        return "The connection is live again. What was held is being sent."

    def _disconnect_company(self, request: HttpRequest, connection: Connection) -> str:
        lifecycle.disable_connection(connection, actor=Actor.from_request(request), reason="Ended by partner staff.")
        return f"The company {connection.company_id} is disconnected."

    @admin.display(description="state", ordering="state")
    def state_badge(self, connection: Connection) -> SafeString:
        """With what is wrong, where something is."""
        return format_html('{}<span class="second">{}</span>', render_status_badge(connection.state), connection.reason)

    @admin.display(description="customer", ordering="customer__name")
    def customer_link(self, connection: Connection) -> SafeString:
        return render_admin_link(connection.customer)

    @admin.display(description="connected", ordering="connected_at")
    def connected_time(self, connection: Connection) -> SafeString | str:
        return relative_time(connection.connected_at)

    @admin.display(description="last change", ordering="updated_at")
    def updated_time(self, connection: Connection) -> SafeString | str:
        return relative_time(connection.updated_at)

    @admin.display(description="what to do")
    def what_to_do(self, connection: Connection) -> str:
        return ADVICE[ConnectionState(connection.state)]

    @admin.display(description="reports reach recruiters as")
    def report_delivery_text(self, connection: Connection) -> str:
        way = connection.report_delivery or PartnerConfiguration.load().report_delivery
        source = "" if connection.report_delivery else ", as the partner configuration says"
        return f"{ReportDelivery(way).label.lower()}{source}"

    @admin.display(description="ours, which SmartRecruiters uses")
    def our_credentials(self, connection: Connection) -> str:
        return "In use." if connection.clients.filter(revoked_at=None).exists() else "None that is alive."

    @admin.display(description="theirs, which we use")
    def their_credentials(self, connection: Connection) -> str:
        return "Stored, encrypted." if connection.their_client_secret_sealed else "None."


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    empty_list_text = "Who approved or denied a connection, and what the page said, will stand here."
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
    readonly_fields = ("decision_badge",)

    def get_audit_subject(self, consent: Consent) -> str:
        return consent.company_id

    @admin.display(description="decision", ordering="decision")
    def decision_badge(self, consent: Consent) -> SafeString:
        words = {"approve": ("live", "Approved"), "deny": ("refused", "Denied")}
        return render_status_badge(*words.get(consent.decision, ("pending", "Not answered")))

    @admin.display(description="opened", ordering="created_at")
    def created_time(self, consent: Consent) -> SafeString | str:
        return relative_time(consent.created_at)

    @admin.display(description="answered", ordering="decided_at")
    def decided_time(self, consent: Consent) -> SafeString | str:
        return relative_time(consent.decided_at)
