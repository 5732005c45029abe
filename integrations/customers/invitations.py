"""Inviting people into an organisation, by e-mail: a link that is good once and for a week.

Whoever invites is told the same whether the address has an account here or not; only its mailbox shows which.
"""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from integrations import audit, mail
from integrations.audit import Actor
from integrations.customers import memberships
from integrations.models import Customer, Invitation, Membership, User
from integrations.models.invitations import invitation_deadline, make_invitation_token
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery

MAX_OPEN = 50
RESEND_INTERVAL = timedelta(minutes=1)
RETENTION = timedelta(days=30)


class InvitationError(Exception):
    """It cannot be done; the message is for the person who tried."""


class InvitationClosedError(InvitationError):
    """The link was used, revoked or replaced, or its time is over."""


def open_invitations(customer: Customer) -> QuerySet[Invitation]:
    """Those that nobody has accepted or revoked, expired ones too: they can be sent again."""
    found = Invitation.objects.filter(customer=customer, accepted_at=None, revoked_at=None)
    return found.select_related("invited_by", "customer")


@transaction.atomic
def send_invitation(customer: Customer, email: str, role: str, *, actor: Actor) -> Invitation:
    """Write to somebody. Who was invited before and has not come is written to again, with a new link.

    Raises InvitationError for who is one of them already, and for too many at once.
    """
    Customer.objects.select_for_update().get(pk=customer.pk)
    email = email.strip().lower()
    if Membership.objects.filter(customer=customer, person__email=email).exists():
        raise InvitationError(f"{email} is one of your people already.")
    waiting = open_invitations(customer)
    if present := waiting.filter(email=email).first():
        present.role = role
        present.save(update_fields=["role"])
        return resend_invitation(present, actor=actor)
    if waiting.count() >= MAX_OPEN:
        raise InvitationError("Fifty invitations are open. Revoke some, or wait until they are accepted.")
    invitation = Invitation(customer=customer, email=email, role=role, invited_by=actor.user)
    _issue_link(invitation)
    _record_action("invitation.sent", invitation, actor)
    return invitation


@transaction.atomic
def resend_invitation(invitation: Invitation, *, actor: Actor) -> Invitation:
    """A new link for another week; the earlier one no longer works. Raises InvitationError."""
    if invitation.state not in ("open", "expired"):
        raise InvitationClosedError("This invitation is not open any more.")
    if invitation.sent_at > timezone.now() - RESEND_INTERVAL:
        raise InvitationError("It was sent a moment ago. Try again in a minute.")
    invitation.sent_at, invitation.expires_at = timezone.now(), invitation_deadline()
    _issue_link(invitation)
    _record_action("invitation.resent", invitation, actor)
    return invitation


@transaction.atomic
def revoke_invitation(invitation: Invitation, *, actor: Actor) -> None:
    """The link no longer works. Raises InvitationClosedError."""
    revoked = open_invitations(invitation.customer).filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if not revoked:
        raise InvitationClosedError("This invitation is not open any more.")
    _record_action("invitation.revoked", invitation, actor)


def revoke_for_member(membership: Membership, *, actor: Actor) -> None:
    """Who was added by hand needs no invitation any more."""
    for invitation in open_invitations(membership.customer).filter(email=membership.person.email.lower()):
        revoke_invitation(invitation, actor=actor)


def get_by_token(token: str) -> Invitation | None:
    """By the link's token, in whatever state it is."""
    return Invitation.objects.select_related("customer").filter(link_token_hash=_hash_token(token)).first()


@transaction.atomic
def accept_invitation(invitation: Invitation, person: User, *, ip: str | None = None) -> Membership:
    """Once. Raises InvitationClosedError, and MembershipError for staff; then nothing has changed."""
    if person.email.lower() != invitation.email.lower():
        raise InvitationError("This invitation is for somebody else.")
    now = timezone.now()
    is_first = open_invitations(invitation.customer).filter(
        pk=invitation.pk, link_token_hash=invitation.link_token_hash, expires_at__gt=now, customer__is_active=True
    )
    if not is_first.update(accepted_at=now):
        raise InvitationClosedError("This invitation is not open any more.")
    actor = Actor(person, ip)
    membership = memberships.add_member(person, invitation.customer, invitation.role, actor=actor)
    _record_action("invitation.accepted", invitation, actor)
    return membership


@transaction.atomic
def accept_as_new_user(invitation: Invitation, *, name: str, password: str, ip: str | None = None) -> Membership:
    """Makes the account, too. Raises InvitationClosedError, also where an account has come into being meanwhile."""
    if User.objects.filter(email=invitation.email).exists():
        raise InvitationClosedError("There is an account with this address: sign in.")
    person = User.objects.create_user(invitation.email, password, name=name)
    audit.record("user.joined", person.pk, actor=Actor(person, ip), name=person.email)
    return accept_invitation(invitation, person, ip=ip)


def delete_expired() -> None:
    """Addresses of people who never came."""
    Invitation.objects.filter(expires_at__lt=timezone.now() - RETENTION).delete()


def sent_text(email: str, *, fallback: str) -> str:
    """What became of an invitation, for who sent it; `instead`: what to do where no e-mail goes out."""
    if mail.is_email_enabled():
        return f"The invitation is on its way to {email}."
    return f"The invitation for {email} is made, but no e-mail goes out from here yet: {fallback}."


def resent_text(email: str, *, fallback: str) -> str:
    """The same of one that was sent again."""
    if mail.is_email_enabled():
        return f"A new link is on its way to {email}; the earlier one no longer works."
    return f"There is a new link for {email}, but no e-mail goes out from here yet: {fallback}."


def revoked_text(email: str) -> str:
    return f"The invitation of {email} no longer works."


def reveal_link(invitation: Invitation, *, actor: Actor) -> str:
    """The link, for somebody who hands it over. Raises InvitationClosedError."""
    if invitation.state != "open":
        raise InvitationClosedError("This invitation is not open any more.")
    _record_action("invitation.link_shown", invitation, actor)
    return invitation_url(invitation)


def invitation_url(invitation: Invitation) -> str:
    return settings.PUBLIC_URL + reverse("invitation", kwargs={"token": invitation.link_token})


def _hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _issue_link(invitation: Invitation) -> None:
    token = make_invitation_token()
    invitation.link_token, invitation.link_token_hash = token, _hash_token(token)
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

    def skip_reason(self, delivery: Delivery) -> str:
        invitation = Invitation.objects.filter(pk=delivery.subject).first()
        if invitation is None or invitation.state != "open":
            return "the invitation is not open any more"
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
