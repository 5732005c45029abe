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
from integrations.customers import memberships
from integrations.models import Customer, Invitation, Membership, User
from integrations.models.invitations import invitation_deadline, make_invitation_token
from integrations.outbox import deliveries
from integrations.outbox.models import Delivery

OPEN_AT_MOST = 50
RESENT_AFTER = timedelta(minutes=1)
KEPT = timedelta(days=30)


class InvitationError(Exception):
    """It cannot be done; the message is for the person who tried."""


class NotOpen(InvitationError):
    """The link was used, revoked or replaced, or its time is over."""


def open_ones(customer: Customer) -> QuerySet[Invitation]:
    """Those that nobody has accepted or revoked, expired ones too: they can be sent again."""
    found = Invitation.objects.filter(customer=customer, accepted_at=None, revoked_at=None)
    return found.select_related("invited_by", "customer")


@transaction.atomic
def invite(customer: Customer, email: str, role: str, *, by: User, address: str | None = None) -> Invitation:
    """Write to somebody. Who was invited before and has not come is written to again, with a new link.

    Raises InvitationError for who is one of them already, and for too many at once.
    """
    Customer.objects.select_for_update().get(pk=customer.pk)
    email = email.strip().lower()
    if Membership.objects.filter(customer=customer, person__email=email).exists():
        raise InvitationError(f"{email} is one of your people already.")
    waiting = open_ones(customer)
    if present := waiting.filter(email=email).first():
        present.role = role
        present.save(update_fields=["role"])
        return resend(present, by=by, address=address)
    if waiting.count() >= OPEN_AT_MOST:
        raise InvitationError("Fifty invitations are open. Revoke some, or wait until they are accepted.")
    invitation = Invitation(customer=customer, email=email, role=role, invited_by=by)
    _send(invitation)
    _record("invitation.sent", invitation, by, address)
    return invitation


@transaction.atomic
def resend(invitation: Invitation, *, by: User, address: str | None = None) -> Invitation:
    """A new link for another week; the earlier one no longer works. Raises InvitationError."""
    if invitation.state not in ("open", "expired"):
        raise NotOpen("This invitation is not open any more.")
    if invitation.sent_at > timezone.now() - RESENT_AFTER:
        raise InvitationError("It was sent a moment ago. Try again in a minute.")
    invitation.sent_at, invitation.expires_at = timezone.now(), invitation_deadline()
    _send(invitation)
    _record("invitation.resent", invitation, by, address)
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, *, by: User, address: str | None = None) -> None:
    """The link no longer works. Raises NotOpen."""
    revoked = open_ones(invitation.customer).filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if not revoked:
        raise NotOpen("This invitation is not open any more.")
    _record("invitation.revoked", invitation, by, address)


def withdraw(membership: Membership, *, by: User, address: str | None = None) -> None:
    """Who was added by hand needs no invitation any more."""
    for invitation in open_ones(membership.customer).filter(email=membership.person.email.lower()):
        revoke(invitation, by=by, address=address)


def found(token: str) -> Invitation | None:
    """By the link's token, in whatever state it is."""
    return Invitation.objects.select_related("customer").filter(link_token_hash=_hash(token)).first()


@transaction.atomic
def accept(invitation: Invitation, person: User, *, address: str | None = None) -> Membership:
    """Once. Raises NotOpen, and MembershipError for staff; then nothing has changed."""
    if person.email.lower() != invitation.email.lower():
        raise InvitationError("This invitation is for somebody else.")
    now = timezone.now()
    is_first = open_ones(invitation.customer).filter(
        pk=invitation.pk, link_token_hash=invitation.link_token_hash, expires_at__gt=now, customer__is_active=True
    )
    if not is_first.update(accepted_at=now):
        raise NotOpen("This invitation is not open any more.")
    membership = memberships.add(person, invitation.customer, invitation.role, by=person, address=address)
    _record("invitation.accepted", invitation, person, address)
    return membership


@transaction.atomic
def accept_as_newcomer(invitation: Invitation, *, name: str, password: str, address: str | None = None) -> Membership:
    """Makes the account, too. Raises NotOpen, also where an account has come into being meanwhile."""
    if User.objects.filter(email=invitation.email).exists():
        raise NotOpen("There is an account with this address: sign in.")
    person = User.objects.create_user(invitation.email, password, name=name)
    audit.record("user.joined", person.pk, by=person, address=address, name=person.email)
    return accept(invitation, person, address=address)


def forget_old() -> None:
    """Addresses of people who never came."""
    Invitation.objects.filter(expires_at__lt=timezone.now() - KEPT).delete()


def said(email: str, *, instead: str) -> str:
    """What became of an invitation, for who sent it; `instead`: what to do where no e-mail goes out."""
    if mail.is_sent():
        return f"The invitation is on its way to {email}."
    return f"The invitation for {email} is made, but no e-mail goes out from here yet: {instead}."


def said_again(email: str, *, instead: str) -> str:
    """The same of one that was sent again."""
    if mail.is_sent():
        return f"A new link is on its way to {email}; the earlier one no longer works."
    return f"There is a new link for {email}, but no e-mail goes out from here yet: {instead}."


def said_revoked(email: str) -> str:
    return f"The invitation of {email} no longer works."


def show(invitation: Invitation, *, by: User, address: str | None = None) -> str:
    """The link, for somebody who hands it over. Raises NotOpen."""
    if invitation.state != "open":
        raise NotOpen("This invitation is not open any more.")
    _record("invitation.link_shown", invitation, by, address)
    return url_of(invitation)


def url_of(invitation: Invitation) -> str:
    return settings.PUBLIC_URL + reverse("invitation", kwargs={"token": invitation.link_token})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _send(invitation: Invitation) -> None:
    token = make_invitation_token()
    invitation.link_token, invitation.link_token_hash = token, _hash(token)
    invitation.save()
    deliveries.enqueue(
        InvitationMail.kind,
        stream="email",
        key=f"{InvitationMail.kind}:{invitation.pk}",
        subject=invitation.pk,
        payload={"link": invitation.link_token_hash},
    )


def _record(action: str, invitation: Invitation, by: User, address: str | None) -> None:
    detail = {"name": invitation.email, "customer": invitation.customer_id, "role": invitation.role}
    audit.record(action, invitation.pk, by=by, address=address, **detail)


class InvitationMail(mail.MailHandler):
    kind = "people_invitation"

    def unwanted(self, delivery: Delivery) -> str:
        invitation = Invitation.objects.filter(pk=delivery.subject).first()
        if invitation is None or invitation.state != "open":
            return "the invitation is not open any more"
        return "" if invitation.link_token_hash == delivery.payload["link"] else "a newer link was sent"

    def letter(self, delivery: Delivery) -> tuple[mail.Letter, str]:
        invitation = Invitation.objects.select_related("customer", "invited_by").get(pk=delivery.subject)
        return self.compose(invitation), invitation.email

    def compose(self, invitation: Invitation) -> mail.Letter:
        inviter = invitation.invited_by
        return mail.write(
            self.kind,
            mail.nearest(invitation.customer.language),
            customer=invitation.customer.name,
            inviter="" if inviter is None or inviter.is_staff else inviter.get_full_name(),
            is_administrator=invitation.role == "administrator",
            open_until=invitation.expires_at,
            url=url_of(invitation),
        )
