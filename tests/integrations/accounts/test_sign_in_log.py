"""Audit entries of sign-ins with their method, of sign-outs, and of changes of roles."""

import re
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth import login
from django.core import mail
from django.test import Client as Browser
from django.test import RequestFactory

from integrations.accounts.adapter import AUTH_BACKEND
from integrations.audit import Actor
from integrations.customers import invitations, memberships
from integrations.models import AuditEntry, Customer, Membership, User
from tests import mailbox, rows
from tests.integrations.accounts.test_mfa import code_of
from tests.integrations.accounts.test_mfa import secret as secret  # a fixture
from tests.integrations.accounts.test_sign_in import sign_in
from tests.integrations.admin.test_admin import changed, person

pytestmark = pytest.mark.django_db
Entry = tuple[str, str, str, str | None, dict[str, Any]]
USERS = "/admin/integrations/user/"


def entries(prefix: str) -> list[Entry]:
    """Return (action, subject, who, IP address, detail) of each entry."""
    found = AuditEntry.objects.filter(action__startswith=prefix).order_by("pk")
    return [(each.action, each.subject, each.actor_name, each.ip, each.detail) for each in found]


def signed_in(user: User, method: str, ip: str | None = "127.0.0.1") -> Entry:
    return "sign_in.succeeded", str(user.pk), user.email, ip, {"name": user.email, "method": method}


# Sign-in


def test_password(client: Browser, alice: User) -> None:
    sign_in(client, alice.email, address="192.0.2.7")
    assert entries("sign_in.") == [signed_in(alice, "password", "192.0.2.7")]


def test_wrong_password_then_the_right_one(client: Browser, alice: User) -> None:
    sign_in(client, alice.email, "wrong")
    sign_in(client, alice.email)
    failed = ("sign_in.failed", alice.email, "", "127.0.0.1", {})
    assert entries("sign_in.") == [failed, signed_in(alice, "password")]


def test_password_and_authenticator_app(client: Browser, staff: User, secret: str) -> None:
    sign_in(client, staff.email)
    assert entries("sign_in.") == []
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert entries("sign_in.") == [signed_in(staff, "password + authenticator app")]


def test_password_and_recovery_code(client: Browser, staff: User, secret: str) -> None:
    sign_in(client, staff.email)
    code = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()[0]
    client.post("/accounts/2fa/authenticate/", {"code": code})
    assert entries("sign_in.succeeded") == [signed_in(staff, "password + recovery code")]


def test_second_try_of_the_password_is_named_once(client: Browser, staff: User, secret: str) -> None:
    sign_in(client, staff.email)
    sign_in(client, staff.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert entries("sign_in.") == [signed_in(staff, "password + authenticator app")]


def test_invitation(client: Browser, customer: Customer, alice: User) -> None:
    invitation = invitations.send_invitation(customer, "dora@northwind.example", "viewer", actor=Actor(alice))
    words = {"name": "Dora", "password1": "a long way to the sea", "password2": "a long way to the sea"}
    assert client.post(f"/invitations/{invitation.link_token}/", words).status_code == 302
    assert entries("sign_in.") == [signed_in(User.objects.get(email="dora@northwind.example"), "invitation")]


def test_new_password_signs_in_or_leaves_no_entry(client: Browser, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": alice.email})
    [message] = mailbox.deliver_emails()
    [link] = re.findall(r"/accounts/password/reset/key/\S+/", str(message.body))
    form = client.get(link, follow=True)
    words = {"password1": "a long way to the sea", "password2": "a long way to the sea"}
    client.post(form.redirect_chain[-1][0], words)
    assert "_auth_user_id" not in client.session
    assert entries("sign_in.succeeded") == []
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("used", "method"),
    [
        ([("mfa", "webauthn")], "passkey"),
        ([("password", None), ("mfa", "webauthn")], "password + passkey"),
        ([("socialaccount", None), ("mfa", "totp")], "identity provider + authenticator app"),
        ([("magic", None)], "magic"),
        ([], "unknown"),
    ],
)
def test_way_in_of_a_library(alice: User, client: Browser, used: list[tuple[str, str | None]], method: str) -> None:
    """By the records of allauth, and without one. Passkeys in a browser are in test_browser.py."""
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.session = client.session
    for name, kind in used:
        record_authentication(request, alice, name, type=kind)
    login(request, alice, AUTH_BACKEND)
    assert entries("sign_in.") == [signed_in(alice, method, "192.0.2.7")]


# Sign-out


def test_sign_out(client: Browser, alice: User) -> None:
    sign_in(client, alice.email)
    client.post("/accounts/logout/", REMOTE_ADDR="192.0.2.7")
    assert entries("sign_out.") == [("sign_out.done", str(alice.pk), alice.email, "192.0.2.7", {"name": alice.email})]


def test_sign_out_of_nobody_is_no_entry(client: Browser) -> None:
    client.post("/accounts/logout/")
    assert entries("sign_out.") == []


@pytest.mark.parametrize(("minutes", "clicks"), [(31, 1), (25, 29)])
def test_session_that_timed_out(client: Browser, alice: User, time_machine: Any, minutes: int, clicks: int) -> None:
    time_machine.move_to("2026-11-24T08:00:00Z", tick=False)
    sign_in(client, alice.email)
    client.get("/")
    for _ in range(clicks):
        time_machine.shift(minutes * 60)
        client.get("/")
    client.get("/")
    assert [action for action, *_ in entries("sign_out.")] == ["sign_out.timed_out"]


# Roles


@pytest.mark.parametrize(
    ("former", "role"), [("viewer", "administrator"), ("support", "viewer"), ("administrator", "")]
)
def test_role_of_staff(staff_browser: Browser, customer: Customer, former: str, role: str) -> None:
    user = rows.make_user(None, "victor@vendor.example", role=former)
    staff_browser.post(f"{USERS}{user.pk}/change/", changed(user, staff_role=role))
    detail = {"name": user.email, "role": role, "former_role": former}
    assert entries("user.role") == [
        ("user.role_changed", str(user.pk), "stella@vendor.example", "127.0.0.1", detail),
    ]


def test_role_of_new_staff(staff_browser: Browser) -> None:
    staff_browser.post(f"{USERS}add/", person(staff_role="support"))
    user = User.objects.get(name="Dora")
    assert [detail for *_, detail in entries("user.role")] == [{"name": user.email, "role": "support"}]


def test_change_of_a_name_is_no_change_of_a_role(staff_browser: Browser, bob: User) -> None:
    staff_browser.post(f"{USERS}{bob.pk}/change/", changed(bob, name="Robert"))
    assert entries("user.role") == entries("membership.") == []


def test_role_in_an_organisation_by_staff(
    staff_browser: Browser, bob: User, customer: Customer, other_customer: Customer
) -> None:
    def save(*memberships: dict[str, Any]) -> None:
        total = {"memberships-TOTAL_FORMS": len(memberships), "memberships-INITIAL_FORMS": bob.memberships.count()}
        fields = {
            f"memberships-{number}-{name}": value
            for number, each in enumerate(memberships)
            for name, value in {"person": bob.pk, **each}.items()
        }
        answer = staff_browser.post(f"{USERS}{bob.pk}/change/", changed(bob) | total | fields)
        assert answer.status_code == 302, answer.context["errors"]

    own = bob.memberships.get().pk
    save({"id": own, "customer": customer.pk, "role": "administrator"})
    save(
        {"id": own, "customer": customer.pk, "role": "administrator"},
        {"customer": other_customer.pk, "role": "viewer"},
    )
    ids = list(Membership.objects.filter(person=bob).order_by("pk").values_list("pk", flat=True))
    save(
        {"id": ids[0], "customer": customer.pk, "role": "administrator", "DELETE": "on"},
        {"id": ids[1], "customer": other_customer.pk, "role": "viewer"},
    )
    assert [(action, who, detail) for action, _, who, _, detail in entries("membership.")] == [
        (
            "membership.changed",
            "stella@vendor.example",
            {"name": bob.email, "customer": customer.pk, "role": "administrator", "former_role": "viewer"},
        ),
        (
            "membership.added",
            "stella@vendor.example",
            {"name": bob.email, "customer": other_customer.pk, "role": "viewer"},
        ),
        (
            "membership.removed",
            "stella@vendor.example",
            {"name": bob.email, "customer": customer.pk, "role": "administrator"},
        ),
    ]


def test_role_in_an_organisation_by_its_administrator(alice: User, bob: User) -> None:
    memberships.change_role(bob.memberships.get(), "administrator", actor=Actor(alice, "192.0.2.7"))
    [(_, subject, who, ip, detail)] = entries("membership.")
    assert (subject, who, ip) == (str(bob.pk), alice.email, "192.0.2.7")
    assert (detail["former_role"], detail["role"]) == ("viewer", "administrator")
