"""Invitations of customers' people: sent from the customer's page, sent again and revoked here."""

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from integrations import mail
from integrations.customers import invitations
from integrations.http.ip_addresses import address_of
from integrations.models import Invitation, User
from integrations.staff.display import chip, when
from integrations.staff.model_admin import Act, ReadOnlyAdmin, Refusal, link

T = TypeVar("T")
STATES = {
    "open": ("pending", "Waiting"),
    "accepted": ("delivered", "Accepted"),
    "revoked": ("disabled", "Revoked"),
    "expired": ("EXPIRED", "Expired"),
}


def state_of(invitation: Invitation) -> SafeString:
    return chip(*STATES[invitation.state])


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    nothing_yet = "Invitations will stand here. They are sent from a customer’s page."
    list_display = ("email", "customer_", "role", "state_", "sent_at_", "invited_by")
    list_filter = ("customer",)
    list_select_related = ("customer", "invited_by")
    search_fields = ("=email", "customer__name")
    search_help_text = "By the whole e-mail address, or by customer."
    fields = ("email", "customer_", "role", "state_", "sent_at", "expires_at", "invited_by", "accepted_at")
    readonly_fields = ("customer_", "state_")

    def acts(self) -> Sequence[Act]:
        return (
            Act(
                "link",
                "Show the link",
                self._show,
                lambda invitation: [
                    f"You see the link, to hand it to {invitation.email} yourself: no e-mail goes out from here yet.",
                    "Who has the link joins under that address. That you saw it is recorded, with your name.",
                ],
                lambda invitation: invitation.state == "open" and not mail.is_sent(),
            ),
            Act(
                "resend",
                "Send again",
                self._resend,
                lambda invitation: [
                    f"An e-mail with a new link goes to {invitation.email}. It is good for a week."
                    if mail.is_sent()
                    else "There is a new link, good for a week. No e-mail goes out yet: hand it over yourself.",
                    "The earlier link no longer works.",
                ],
                lambda invitation: invitation.state in ("open", "expired"),
            ),
            Act(
                "revoke",
                "Revoke",
                self._revoke,
                lambda invitation: ["The link no longer works. Nobody is told.", "You can invite again."],
                lambda invitation: invitation.state in ("open", "expired"),
                is_grave=True,
            ),
        )

    def _show(self, request: HttpRequest, invitation: Invitation) -> TemplateResponse:
        url = _done(invitations.show, request, invitation)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": invitation,
            "link": url,
            "title": f"The link for {invitation.email}",
            "back_url": self.url_of(invitation),
        }
        return TemplateResponse(request, "admin/integrations/invitation/link.html", context)

    def _resend(self, request: HttpRequest, invitation: Invitation) -> str:
        _done(invitations.resend, request, invitation)
        return invitations.said_again(invitation.email, instead="“Show the link” has it")

    def _revoke(self, request: HttpRequest, invitation: Invitation) -> str:
        _done(invitations.revoke, request, invitation)
        return invitations.said_revoked(invitation.email)

    @admin.display(description="customer", ordering="customer__name")
    def customer_(self, invitation: Invitation) -> SafeString:
        return link(invitation.customer)

    @admin.display(description="state")
    def state_(self, invitation: Invitation) -> SafeString:
        return state_of(invitation)

    @admin.display(description="sent", ordering="sent_at")
    def sent_at_(self, invitation: Invitation) -> SafeString | str:
        return when(invitation.sent_at)


def _done(verb: Callable[..., T], request: HttpRequest, invitation: Invitation) -> T:
    try:
        return verb(invitation, by=cast(User, request.user), address=address_of(request))
    except invitations.InvitationError as error:
        raise Refusal(str(error)) from None
