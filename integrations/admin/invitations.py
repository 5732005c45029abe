"""Invitations of customers' people: sent from the customer's page, sent again and revoked here."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from integrations import mail
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import Invitation
from integrations.staff.display import relative_time, render_status_badge
from integrations.staff.model_admin import ActionError, ObjectAction, ReadOnlyAdmin, render_admin_link

T = TypeVar("T")
STATE_BADGES = {
    "open": ("pending", "Waiting"),
    "accepted": ("delivered", "Accepted"),
    "revoked": ("disabled", "Revoked"),
    "expired": ("EXPIRED", "Expired"),
}


def invitation_badge(invitation: Invitation) -> SafeString:
    return render_status_badge(*STATE_BADGES[invitation.state])


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    empty_list_text = "Invitations will stand here. They are sent from a customer’s page."
    list_display = ("email", "customer_link", "role", "state_badge", "sent_time", "invited_by")
    list_filter = ("customer",)
    list_select_related = ("customer", "invited_by")
    search_fields = ("=email", "customer__name")
    search_help_text = "By the whole e-mail address, or by customer."
    fields = ("email", "customer_link", "role", "state_badge", "sent_at", "expires_at", "invited_by", "accepted_at")
    readonly_fields = ("customer_link", "state_badge")

    def get_object_actions(self) -> Sequence[ObjectAction]:
        return (
            ObjectAction(
                "link",
                "Show the link",
                self._reveal_link,
                lambda invitation: [
                    f"You see the link, to hand it to {invitation.email} yourself: no e-mail goes out from here yet.",
                    "Who has the link joins under that address. That you saw it is recorded, with your name.",
                ],
                lambda invitation: invitation.state == "open" and not mail.is_email_enabled(),
            ),
            ObjectAction(
                "resend",
                "Send again",
                self._resend_invitation,
                lambda invitation: [
                    f"An e-mail with a new link goes to {invitation.email}. It is good for a week."
                    if mail.is_email_enabled()
                    else "There is a new link, good for a week. No e-mail goes out yet: hand it over yourself.",
                    "The earlier link no longer works.",
                ],
                lambda invitation: invitation.state in ("open", "expired"),
            ),
            ObjectAction(
                "revoke",
                "Revoke",
                self._revoke_invitation,
                lambda invitation: ["The link no longer works. Nobody is told.", "You can invite again."],
                lambda invitation: invitation.state in ("open", "expired"),
                is_destructive=True,
            ),
        )

    def _reveal_link(self, request: HttpRequest, invitation: Invitation) -> TemplateResponse:
        url = _run_action(invitations.reveal_link, request, invitation)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": invitation,
            "link": url,
            "title": f"The link for {invitation.email}",
            "back_url": self.get_change_url(invitation),
        }
        return TemplateResponse(request, "admin/integrations/invitation/link.html", context)

    def _resend_invitation(self, request: HttpRequest, invitation: Invitation) -> str:
        _run_action(invitations.resend_invitation, request, invitation)
        return invitations.resent_text(invitation.email, fallback="“Show the link” has it")

    def _revoke_invitation(self, request: HttpRequest, invitation: Invitation) -> str:
        _run_action(invitations.revoke_invitation, request, invitation)
        return invitations.revoked_text(invitation.email)

    @admin.display(description="customer", ordering="customer__name")
    def customer_link(self, invitation: Invitation) -> SafeString:
        return render_admin_link(invitation.customer)

    @admin.display(description="state")
    def state_badge(self, invitation: Invitation) -> SafeString:
        return invitation_badge(invitation)

    @admin.display(description="sent", ordering="sent_at")
    def sent_time(self, invitation: Invitation) -> SafeString | str:
        return relative_time(invitation.sent_at)


def _run_action(action: Callable[..., T], request: HttpRequest, invitation: Invitation) -> T:
    try:
        return action(invitation, actor=Actor.from_request(request))
    except invitations.InvitationError as error:
        raise ActionError(str(error)) from None
