"""Invitations of customers' people: sent from the customer's page, sent again and revoked here."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from integrations import invitations
from integrations.addresses import address_of
from integrations.models import Invitation, User
from integrations.shown import chip, when
from integrations.staff import Act, ReadOnlyAdmin, Refusal, link

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
                "resend",
                "Send again",
                self._resend,
                lambda invitation: [
                    f"An e-mail with a new link goes to {invitation.email}. It is good for a week.",
                    "The former link opens nothing any more.",
                ],
                lambda invitation: invitation.state in ("open", "expired"),
            ),
            Act(
                "revoke",
                "Revoke",
                self._revoke,
                lambda invitation: ["The link opens nothing any more. Nobody is told.", "You can invite again."],
                lambda invitation: invitation.state in ("open", "expired"),
                is_grave=True,
            ),
        )

    def _resend(self, request: HttpRequest, invitation: Invitation) -> str:
        try:
            invitations.resend(invitation, **_by(request))
        except invitations.InvitationError as error:
            raise Refusal(str(error)) from None
        return f"A new link is on its way to {invitation.email}."

    def _revoke(self, request: HttpRequest, invitation: Invitation) -> str:
        try:
            invitations.revoke(invitation, **_by(request))
        except invitations.InvitationError as error:
            raise Refusal(str(error)) from None
        return f"The invitation of {invitation.email} opens nothing any more."

    @admin.display(description="customer", ordering="customer__name")
    def customer_(self, invitation: Invitation) -> SafeString:
        return link(invitation.customer)

    @admin.display(description="state")
    def state_(self, invitation: Invitation) -> SafeString:
        return state_of(invitation)

    @admin.display(description="sent", ordering="sent_at")
    def sent_at_(self, invitation: Invitation) -> SafeString | str:
        return when(invitation.sent_at)


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"by": cast(User, request.user), "address": address_of(request)}
