"""Invitations of people to a customer, by an emailed link that works once and expires after a week.

The inviter cannot see whether the email address has an account here.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, NullIf
from django.urls import reverse
from django.utils import timezone

from integrations import audit, mail
from integrations.audit import Actor
from integrations.customers import memberships
from integrations.encryption import hash_token
from integrations.models import Customer, Invitation, Membership, User
from integrations.models.invitations import invitation_deadline, make_invitation_token
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery, DeliveryState, Stream
from integrations.outbox.sending.failure_messages import translate_reason

MAX_OPEN = 50
RESEND_INTERVAL = timedelta(minutes=1)
RETENTION = timedelta(days=30)
EMAIL_TEXTS = {
    DeliveryState.DELIVERED: "Handed to the mail server",
    DeliveryState.PENDING: "Not sent yet",
    DeliveryState.IN_FLIGHT: "On its way",
    DeliveryState.HELD: "On hold",
}


class InvitationError(Exception):
    """The action on the invitation is not possible. The message is for the user."""


class InvitationClosedError(InvitationError):
    """The invitation was accepted or revoked, its link was replaced, or it expired."""

    def __init__(self) -> None:
        super().__init__("This invitation is no longer open.")


class AccountExistsError(InvitationError):
    """An account for the invited email address was created in the meantime."""

    def __init__(self) -> None:
        super().__init__("This email address has an account already. Sign in instead.")


def open_invitations(customer: Customer) -> QuerySet[Invitation]:
    """Return invitations that are neither accepted nor revoked, including expired ones, which can be sent again."""
    invitations = Invitation.objects.filter(customer=customer, accepted_at=None, revoked_at=None)
    return invitations.select_related("invited_by", "customer")


def with_email(invitations: QuerySet[Invitation]) -> QuerySet[Invitation]:
    """Annotate `email_state` and `email_reason`, the outcome of the email with the current link."""
    key = Concat(Value(f"{MemberInvitationHandler.kind}:"), OuterRef("pk"))
    newest = Delivery.objects.filter(key=key).order_by("-pk")
    shown_state = Coalesce(NullIf("ending", Value("")), "state")
    return invitations.annotate(
        email_state=Subquery(newest.values(shown=shown_state)[:1]), email_reason=Subquery(newest.values("reason")[:1])
    )


def describe_email(invitation: Any) -> str:
    """Return the outcome of the email, for staff. The invitation comes from `with_email`."""
    state, reason = invitation.email_state, translate_reason(invitation.email_reason or "", MemberInvitationHandler())
    text = EMAIL_TEXTS.get(state, "Not sent")
    return f"{text}: {reason}" if reason else text


@transaction.atomic
def send_invitation(customer: Customer, email: str, role: str, *, actor: Actor) -> Invitation:
    """Invite a person by email. An open invitation for the same email address is sent again, with a new link.

    Raises InvitationError for a member, and for more than MAX_OPEN open invitations.
    """
    Customer.objects.select_for_update().get(pk=customer.pk)
    email = email.strip().lower()
    if Membership.objects.filter(customer=customer, person__email=email).exists():
        raise InvitationError(f"{email} already has access.")
    pending = open_invitations(customer)
    if earlier := pending.filter(email=email).first():
        earlier.role = role
        earlier.save(update_fields=["role"])
        return resend_invitation(earlier, actor=actor)
    if pending.count() >= MAX_OPEN:
        raise InvitationError(f"There are {MAX_OPEN} open invitations. Revoke one, or wait until one is accepted.")
    invitation = Invitation(customer=customer, email=email, role=role, invited_by=actor.user)
    _issue_link(invitation)
    _record_action("invitation.sent", invitation, actor)
    return invitation


@transaction.atomic
def resend_invitation(invitation: Invitation, *, actor: Actor) -> Invitation:
    """Send a new link that is valid for another week. The earlier link stops working. Raises InvitationError."""
    if invitation.state not in ("open", "expired"):
        raise InvitationClosedError
    if invitation.sent_at > timezone.now() - RESEND_INTERVAL:
        raise InvitationError(f"A link for {invitation.email} was created just now. Try again in a minute.")
    invitation.sent_at, invitation.expires_at = timezone.now(), invitation_deadline()
    _issue_link(invitation)
    _record_action("invitation.resent", invitation, actor)
    return invitation


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, actor: Actor) -> None:
    """Make the link stop working. Raises InvitationClosedError."""
    revoked = open_invitations(invitation.customer).filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if not revoked:
        raise InvitationClosedError
    _record_action("invitation.revoked", invitation, actor)


def revoke_for_member(membership: Membership, *, actor: Actor) -> None:
    """Revoke the open invitations of a person that was added manually."""
    for invitation in open_invitations(membership.customer).filter(email=membership.person.email.lower()):
        revoke_invitation(invitation, actor=actor)


def get_by_token(token: str) -> Invitation | None:
    return Invitation.objects.select_related("customer").filter(link_token_hash=hash_token(token)).first()


@transaction.atomic
def accept_invitation(invitation: Invitation, person: User, *, ip: str | None = None) -> Membership:
    """Add the person to the customer, once. Raises InvitationError, and MembershipError for staff."""
    if person.email.lower() != invitation.email.lower():
        raise InvitationError("This invitation is for another email address.")
    now = timezone.now()
    acceptable = open_invitations(invitation.customer).filter(
        pk=invitation.pk, link_token_hash=invitation.link_token_hash, expires_at__gt=now, customer__is_active=True
    )
    if not acceptable.update(accepted_at=now):
        raise InvitationClosedError
    actor = Actor(person, ip)
    membership = memberships.add_member(person, invitation.customer, invitation.role, actor=actor)
    _record_action("invitation.accepted", invitation, actor)
    return membership


@transaction.atomic
def accept_as_new_user(invitation: Invitation, *, name: str, password: str, ip: str | None = None) -> Membership:
    """Create the account and accept. Raises InvitationClosedError, and AccountExistsError."""
    if User.objects.filter(email=invitation.email).exists():
        raise AccountExistsError
    person = User.objects.create_user(invitation.email, password, name=name)
    audit.record("user.joined", person.pk, actor=Actor(person, ip), name=person.email)
    return accept_invitation(invitation, person, ip=ip)


def delete_expired() -> None:
    Invitation.objects.filter(expires_at__lt=timezone.now() - RETENTION).delete()


def sent_text(email: str, *, fallback: str) -> str:
    """Return the message for the inviter. `fallback` is the advice if emails are not set up."""
    if not mail.is_email_enabled():
        return f"The invitation for {email} was created, but emails are not set up yet: {fallback}."
    if obstacle := _find_email_obstacle():
        return f"The invitation for {email} is {obstacle}."
    return f"The invitation is on its way to {email}."


def resent_text(email: str, *, fallback: str) -> str:
    if not mail.is_email_enabled():
        return f"There is a new link for {email}, but emails are not set up yet: {fallback}."
    if obstacle := _find_email_obstacle():
        return f"The new link for {email} is {obstacle}. The earlier link no longer works."
    return f"A new link is on its way to {email}. The earlier link no longer works."


def _find_email_obstacle() -> str:
    """Return why emails do not go out now, as a predicate without its full stop, or an empty string."""
    held = (
        Stream.objects.filter(name=mail.ACCOUNT_STREAM)
        .exclude(held_reason="")
        .values_list("held_reason", flat=True)
        .first()
    )
    return f"on hold: {held.rstrip('.')}" if held else mail.get_unsent_note()


def revoked_text(email: str) -> str:
    return f"The invitation for {email} no longer works."


def reveal_link(invitation: Invitation, *, actor: Actor) -> str:
    """Return the link, to be passed on manually, and audit that. Raises InvitationClosedError."""
    if invitation.state != "open":
        raise InvitationClosedError
    _record_action("invitation.link_shown", invitation, actor)
    return invitation_url(invitation)


def invitation_url(invitation: Invitation) -> str:
    return settings.PUBLIC_URL + reverse("invitation", kwargs={"token": invitation.link_token})


def _issue_link(invitation: Invitation) -> None:
    token = make_invitation_token()
    invitation.link_token, invitation.link_token_hash = token, hash_token(token)
    invitation.save()
    deliveries.enqueue(
        MemberInvitationHandler.kind,
        stream="email",
        key=f"{MemberInvitationHandler.kind}:{invitation.pk}",
        subject=invitation.pk,
        payload={"link": invitation.link_token_hash},
    )


def _record_action(action: str, invitation: Invitation, actor: Actor) -> None:
    detail = {"name": invitation.email, "customer": invitation.customer_id, "role": invitation.role}
    audit.record(action, invitation.pk, actor=actor, **detail)


class MemberInvitationHandler(mail.EmailHandler):
    kind = "people_invitation"
    label = "Invitation of a user"
    previews = (
        mail.EmailPreview(
            "people_invitation",
            "Invitation of a user",
            "To a person whom your staff or a customer’s administrator invites. In the customer’s language.",
        ),
    )

    def skip_reason(self, delivery: Delivery) -> str:
        invitation = Invitation.objects.filter(pk=delivery.subject).first()
        if invitation is None or invitation.state != "open":
            return "the invitation is no longer open"
        return "" if invitation.link_token_hash == delivery.payload["link"] else "a newer link was sent"

    def build_email(self, delivery: Delivery) -> tuple[mail.EmailContent, str]:
        invitation = Invitation.objects.select_related("customer", "invited_by").get(pk=delivery.subject)
        return self.compose_email(invitation), invitation.email

    def compose_email(self, invitation: Invitation) -> mail.EmailContent:
        inviter = invitation.invited_by
        return mail.render_email(
            self.kind,
            mail.best_language(invitation.customer.language),
            customer=invitation.customer.name,
            inviter="" if inviter is None or inviter.is_staff else inviter.get_full_name(),
            is_administrator=invitation.role == "administrator",
            open_until=invitation.expires_at,
            url=invitation_url(invitation),
        )
