"""Admin of invitations: send again and revoke. New ones are sent from the customer's page."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations import mail
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import Invitation
from integrations.staff.display import relative_time, render_status_badge, time_column
from integrations.staff.model_admin import ActionError, ObjectAction, ReadOnlyAdmin, link_column

T = TypeVar("T")
STATE_BADGES = {
    "open": ("pending", "Waiting"),
    "accepted": ("delivered", "Accepted"),
    "revoked": ("disabled", "Revoked"),
    "expired": ("EXPIRED", "Expired"),
}


def invitation_badge(invitation: Invitation) -> SafeString:
    return render_status_badge(*STATE_BADGES[invitation.state])


def _describe_resend(invitation: Invitation) -> str:
    fate = mail.get_unsent_note() or f"sent to {invitation.email}"
    return f"An email with a new link is {fate}. The link is valid for a week."


def render_email(invitation: Invitation) -> SafeString:
    """Render the email's outcome, and when the link was created."""
    text, time = invitations.describe_email(invitation), relative_time(invitation.sent_at)
    return format_html('{}<span class="second">{}</span>', text, time)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    empty_list_text = "Invitations appear here. Send them from a customer’s page."
    list_display = ("email", "customer_link", "role", "state_badge", "email_text", "invited_by")
    list_filter = ("customer",)
    list_select_related = ("customer", "invited_by")
    search_fields = ("=email", "customer__name")
    search_help_text = "By complete email address, or by customer."
    fields = (
        *("email", "customer_link", "role", "state_badge", "email_text", "sent_time", "expires_at", "invited_by"),
        "accepted_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return invitations.with_email(super().get_queryset(request))

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "link",
                "Show link",
                self._reveal_link,
                lambda invitation: [
                    f"You see the link and pass it on to {invitation.email} yourself: emails are not set up yet.",
                    "Anyone with the link can join with that email address. The audit log records that you saw it.",
                ],
                lambda invitation: invitation.state == "open" and not mail.is_email_enabled(),
                is_grave=True,
            ),
            ObjectAction(
                "resend",
                "Send again",
                self._resend_invitation,
                lambda invitation: [
                    _describe_resend(invitation)
                    if mail.is_email_enabled()
                    else "There is a new link, valid for a week. Emails are not set up yet: pass it on yourself.",
                    "The earlier link no longer works.",
                ],
                lambda invitation: invitation.state in ("open", "expired"),
            ),
            ObjectAction(
                "revoke",
                "Revoke",
                self._revoke_invitation,
                lambda invitation: [
                    "The link no longer works. No one is notified.",
                    "You can send another invitation later.",
                ],
                lambda invitation: invitation.state in ("open", "expired"),
                is_destructive=True,
            ),
        )

    def _reveal_link(self, request: HttpRequest, invitation: Invitation) -> TemplateResponse:
        url = _run_action(invitations.reveal_link, request, invitation)
        template, title = "admin/integrations/invitation/link.html", f"Link for {invitation.email}"
        return self.render_object_page(request, invitation, template, title, link=url)

    def _resend_invitation(self, request: HttpRequest, invitation: Invitation) -> str:
        _run_action(invitations.resend_invitation, request, invitation)
        return invitations.resent_text(invitation.email, fallback="use “Show link”")

    def _revoke_invitation(self, request: HttpRequest, invitation: Invitation) -> str:
        _run_action(invitations.revoke_invitation, request, invitation)
        return invitations.revoked_text(invitation.email)

    customer_link = link_column("customer", ordering="customer__name")

    @admin.display(description="state")
    def state_badge(self, invitation: Invitation) -> SafeString:
        return invitation_badge(invitation)

    sent_time = time_column("sent_at", "invited")

    @admin.display(description="email", ordering="sent_at")
    def email_text(self, invitation: Invitation) -> SafeString:
        return render_email(invitation)


def _run_action(action: Callable[..., T], request: HttpRequest, invitation: Invitation) -> T:
    try:
        return action(invitation, actor=Actor.from_request(request))
    except invitations.InvitationError as error:
        raise ActionError(str(error)) from None
