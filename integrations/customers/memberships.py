"""Memberships of people in customers: access checks, and the only code that changes memberships.

Access is checked on each request, so that deactivating a customer or removing a person takes effect at once.
"""

from typing import Any, TypedDict

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest

from integrations import audit
from integrations.accounts import sessions
from integrations.accounts.mfa.policy import has_second_factor
from integrations.audit import Actor
from integrations.models import Customer, Membership, User
from integrations.roles import MemberRole

SESSION_KEY = "organisation"


class MembershipError(Exception):
    """The change is not allowed. The message is for the user."""


def active_memberships(user: object) -> QuerySet[Membership]:
    """Return the user's memberships in active customers that require no second factor, or that the user has.

    Staff and anonymous users have no memberships.
    """
    return _all_memberships(user).filter(is_locked=False)


def find_locked_customers(user: object) -> list[Customer]:
    """Return the customers to which the user has no access until they set up a second factor."""
    return [membership.customer for membership in _all_memberships(user).filter(is_locked=True)]


def _all_memberships(user: object) -> QuerySet[Any]:
    """Return the user's memberships in active customers, with `is_locked`."""
    memberships = Membership.objects.none()
    if isinstance(user, User) and user.is_active and not user.is_staff:
        memberships = user.memberships.filter(customer__is_active=True)
    is_locked = Q(customer__requires_second_factor=True) & ~has_second_factor("person")
    annotated = memberships.annotate(is_locked=ExpressionWrapper(is_locked, BooleanField()))
    return annotated.select_related("customer").order_by("customer__name")


def connectable_memberships(user: object) -> list[Membership]:
    """Return the memberships in which the user may approve and disable connections."""
    return list(active_memberships(user).filter(role=MemberRole.ADMINISTRATOR))


def get_administrators(customer: Customer) -> QuerySet[User]:
    """Return the people to notify about problems of the customer: its administrators while it is active."""
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
    """Template context: all memberships of the user, the selected one, and customers that need a second factor."""

    memberships: list[Membership]
    membership: Membership | None
    locked: list[Customer]


def page_context(request: HttpRequest) -> PageContext:
    """Return the user's memberships and the selected one (the first by default, None if there are none)."""
    found: list[Any] = list(_all_memberships(request.user))
    memberships = [each for each in found if not each.is_locked]
    selected_id = request.session.get(SESSION_KEY)
    default = memberships[0] if memberships else None
    selected = next((each for each in memberships if each.customer_id == selected_id), default)
    locked = [each.customer for each in found if each.is_locked]
    return {"memberships": memberships, "membership": selected, "locked": locked}


def switch_to(request: HttpRequest, membership: Membership) -> None:
    request.session[SESSION_KEY] = membership.customer_id


def add_member(person: User, customer: Customer, role: str, *, actor: Actor = audit.SYSTEM) -> Membership:
    """Add the person to the customer. A member keeps their role. Raises MembershipError for staff."""
    if person.is_staff:
        raise MembershipError("Partner staff cannot belong to a customer.")
    with transaction.atomic():
        membership, is_new = Membership.objects.get_or_create(person=person, customer=customer, defaults={"role": role})
        if is_new:
            record_change("membership.added", membership, actor)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: Actor) -> None:
    """Change the role. Raises MembershipError for the customer's last administrator."""
    if role not in MemberRole.values:
        raise MembershipError("Unknown role.")
    if role != MemberRole.ADMINISTRATOR:
        _require_administrator(membership)
    if (former_role := membership.role) != role:
        membership.role = role
        membership.save(update_fields=["role"])
        record_change("membership.changed", membership, actor, former_role=former_role)


@transaction.atomic
def remove_member(membership: Membership, *, actor: Actor) -> None:
    """Remove the person from the customer; the account stays. Raises MembershipError for the last administrator."""
    _require_administrator(membership)
    record_change("membership.removed", membership, actor)
    membership.delete()


@transaction.atomic
def require_second_factor(customer: Customer, is_required: bool, *, actor: Actor) -> None:
    """Let the customer's people have access only with a second factor, or no longer only so."""
    changed = Customer.objects.filter(pk=customer.pk, requires_second_factor=not is_required)
    if changed.update(requires_second_factor=is_required):
        detail = {"name": customer.name, "requires_second_factor": is_required}
        audit.record("customer.changed", customer.pk, actor=actor, **detail)


def end_sessions(customer: Customer, *, actor: Actor) -> None:
    """End the sessions of people of an inactive customer for good, except those of another customer that is active."""
    people = User.objects.filter(customers=customer, staff_role="")
    for person in people.exclude(pk__in=User.objects.filter(customers__is_active=True)):
        sessions.end_all(person, actor=actor)


def is_last_administrator(membership: Membership) -> bool:
    others = Membership.objects.filter(
        customer=membership.customer_id, role=MemberRole.ADMINISTRATOR, person__is_active=True
    ).exclude(pk=membership.pk)
    return membership.is_administrator and not others.exists()


def _require_administrator(membership: Membership) -> None:
    # The row lock serialises two administrators who remove each other at the same time.
    customer = Customer.objects.select_for_update().get(pk=membership.customer_id)
    if is_last_administrator(membership):
        raise MembershipError(
            f"{membership.person} is the last administrator of {customer}. Make someone else an administrator first."
        )


def record_change(action: str, membership: Membership, actor: Actor, **more: str) -> None:
    """Add the audit entry of a change. Only for code that saves memberships itself, like a form of the admin."""
    detail = {"name": membership.person.email, "customer": membership.customer_id, "role": membership.role}
    audit.record(action, membership.person_id, actor=actor, **detail, **more)
