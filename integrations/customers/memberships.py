"""Who belongs to which organisation, and the only code that changes it.

Asked at each request: an organisation that is switched off, or that somebody was removed from, is closed at once.
"""

from typing import TypedDict

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from integrations import audit
from integrations.audit import Actor
from integrations.models import Customer, Membership, User
from integrations.roles import MemberRole

SESSION_KEY = "organisation"


class MembershipError(Exception):
    """It cannot be so; the message is for the person who tried."""


def active_memberships(user: object) -> QuerySet[Membership]:
    """A person's memberships in organisations that are active; staff and strangers have none."""
    if not isinstance(user, User) or not user.is_active or user.is_staff:
        return Membership.objects.none()
    return user.memberships.filter(customer__is_active=True).select_related("customer").order_by("customer__name")


def connectable_memberships(user: object) -> list[Membership]:
    """Those in which this person may approve and end connections."""
    return list(active_memberships(user).filter(role=MemberRole.ADMINISTRATOR))


def get_administrators(customer: Customer) -> QuerySet[User]:
    """Who is told when something of this organisation needs a hand; nobody while it is switched off."""
    return User.objects.filter(
        memberships__customer=customer,
        memberships__customer__is_active=True,
        memberships__role=MemberRole.ADMINISTRATOR,
        is_active=True,
        staff_role="",
    )


def get_membership(user: object, customer_id: str) -> Membership | None:
    return active_memberships(user).filter(customer=customer_id).first()


class PageContext(TypedDict):
    """For a page: all of a person's memberships, and the one whose organisation it shows."""

    memberships: list[Membership]
    membership: Membership | None


def page_context(request: HttpRequest) -> PageContext:
    """The organisation that was chosen before, else the first; none for who belongs to none."""
    mine = list(active_memberships(request.user))
    chosen = request.session.get(SESSION_KEY)
    current = next((each for each in mine if each.customer_id == chosen), mine[0] if mine else None)
    return {"memberships": mine, "membership": current}


def switch_to(request: HttpRequest, membership: Membership) -> None:
    request.session[SESSION_KEY] = membership.customer_id


def add_member(person: User, customer: Customer, role: str, *, actor: Actor = audit.SYSTEM) -> Membership:
    """Make somebody one of an organisation's people; who is one already keeps his place. Raises MembershipError."""
    if person.is_staff:
        raise MembershipError("Partner staff belong to no customer.")
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(person=person, customer=customer, defaults={"role": role})
        if is_new:
            _record_change("membership.added", membership, actor)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: Actor) -> None:
    """Raises MembershipError when nobody would be left who administers the organisation."""
    if role not in MemberRole.values:
        raise MembershipError("There is no such role.")
    if role != MemberRole.ADMINISTRATOR:
        _require_administrator(membership)
    if membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
        _record_change("membership.changed", membership, actor)


@transaction.atomic
def remove_member(membership: Membership, *, actor: Actor) -> None:
    """The account stays, without this organisation. Raises MembershipError for its last administrator."""
    _require_administrator(membership)
    _record_change("membership.removed", membership, actor)
    membership.delete()


def is_last_administrator(membership: Membership) -> bool:
    others = Membership.objects.filter(
        customer=membership.customer_id, role=MemberRole.ADMINISTRATOR, person__is_active=True
    ).exclude(pk=membership.pk)
    return membership.is_administrator and not others.exists()


def _require_administrator(membership: Membership) -> None:
    """Two who remove each other at the same time wait for one another here."""
    customer = Customer.objects.select_for_update().get(pk=membership.customer_id)
    if is_last_administrator(membership):
        raise MembershipError(
            f"{membership.person} is the last administrator of {customer}. Make somebody else one first."
        )


def _record_change(action: str, membership: Membership, actor: Actor) -> None:
    audit.record(
        action,
        membership.person_id,
        actor=actor,
        name=membership.person.email,
        customer=membership.customer_id,
        role=membership.role,
    )
