"""Invitations by a customer's administrators and by staff, with a link that works once."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from integrations.audit import Actor
from integrations.customers import invitations
from integrations.customers.invitations import InvitationClosedError, InvitationError
from integrations.customers.memberships import MembershipError
from integrations.models import AuditEntry, Customer, Invitation, Membership, User
from integrations.outbox import courier
from integrations.outbox.models import Delivery, Stream
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)
DORA = "dora@northwind.example"
NEW = {"name": "Dora", "password1": "a long way to the sea", "password2": "a long way to the sea"}


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def browser(client: Browser, alice: User) -> Browser:
    client.force_login(alice)
    return client


def invite(browser: Browser, customer: Customer, email: str = DORA, role: str = "viewer") -> Any:
    form = {"organisation": customer.pk, "email": email, "role": role}
    return browser.post("/people/invite", form, follow=True)


def links() -> list[str]:
    """Return the links of the emails sent so far, oldest first."""
    courier.run(Stream.objects.get(name="email").pk)
    return [re.findall(r"http://localhost:8000(/invitations/\S+)", message.body)[0] for message in mail.outbox]


@pytest.fixture
def link(browser: Browser, customer: Customer) -> str:
    """Return the link in the email in which Alice invites Dora."""
    invite(browser, customer)
    [link] = links()
    return link


def acts() -> list[tuple[str, str, str]]:
    found = AuditEntry.objects.filter(action__regex="^(invitation|membership|user)[.]").order_by("pk")
    return [(each.action, each.actor_name, each.detail["name"]) for each in found]


def test_somebody_new_is_invited_and_joins(browser: Browser, customer: Customer, alice: User) -> None:
    page = text(invite(browser, customer, "Dora@Northwind.example"))
    assert "The invitation is on its way to dora@northwind.example." in page
    assert ">Waiting</span>" in page
    [link] = links()
    assert mail.outbox[0].to == [DORA]
    assert mail.outbox[0].subject == "Northwind Retail invites you to Assessments"
    dora = Browser()
    assert "Join Northwind Retail" in text(dora.get(link))
    assert dora.post(link, NEW)["Location"] == "/"
    home = text(dora.get("/"))
    assert ("Welcome to Northwind Retail." in home, DORA in home) == (True, True)
    user = User.objects.get(email=DORA)
    assert (user.name, user.check_password(NEW["password1"]), user.staff_role) == ("Dora", True, "")
    assert [*user.memberships.values_list("customer", "role")] == [(customer.pk, "viewer")]
    assert acts() == [
        ("invitation.sent", alice.email, DORA),
        ("user.joined", DORA, DORA),
        ("membership.added", DORA, DORA),
        ("invitation.accepted", DORA, DORA),
    ]


def test_link_works_once(link: str) -> None:
    Browser().post(link, NEW)
    again = Browser().post(link, {**NEW, "name": "Eve"})
    assert (again.status_code, "It was already used." in text(again)) == (410, True)
    assert User.objects.get(email=DORA).name == "Dora"


def test_link_alone_changes_nothing(link: str) -> None:
    for _ in range(3):
        assert Browser().get(link).status_code == 200
    assert (Invitation.objects.get().state, Membership.objects.count()) == ("open", 1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password2": "another one altogether"}, "The passwords do not match."),
        ({"password1": "short", "password2": "short"}, "at least 12 characters"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_form_that_is_wrong_makes_no_account(link: str, fields: dict[str, str], said: str) -> None:
    answer = Browser().post(link, NEW | fields)
    assert (answer.status_code, said in text(answer)) == (400, True)
    assert not User.objects.filter(email=DORA).exists()


def test_somebody_with_an_account_signs_in_and_joins(browser: Browser, customer: Customer, charlie: User) -> None:
    invite(browser, customer, charlie.email, "administrator")
    [link] = links()
    other = Browser()
    to_sign_in = other.get(link)["Location"]
    assert to_sign_in == f"/accounts/login/?next={link.replace('/', '%2F')}"
    assert not Membership.objects.filter(person=charlie, customer=customer).exists()
    signed_in = other.post("/accounts/login/", {"login": charlie.email, "password": rows.PASSWORD, "next": link})
    assert signed_in["Location"] == link
    assert "Join Northwind Retail?" in text(other.get(link))
    assert "Welcome to Northwind Retail." in text(other.post(link, follow=True))
    assert sorted(charlie.memberships.values_list("customer__name", "role")) == [
        ("Harbour Clinics", "administrator"),
        ("Northwind Retail", "administrator"),
    ]


def test_account_with_the_address_gets_no_new_password_by_the_link(
    browser: Browser, customer: Customer, charlie: User
) -> None:
    invite(browser, customer, charlie.email)
    assert Browser().post(links()[0], NEW).status_code == 409
    charlie.refresh_from_db()
    assert charlie.check_password(rows.PASSWORD)


@pytest.mark.parametrize("who", ["charlie", "staff"])
def test_link_of_somebody_else_is_refused(link: str, request: pytest.FixtureRequest, who: str) -> None:
    other = Browser()
    other.force_login(request.getfixturevalue(who))
    answers = [other.get(link), other.post(link)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "This invitation is for someone else" in text(answers[0])
    assert Invitation.objects.get().state == "open"
    other.post(link, {"act": "change-account"})
    assert "Join Northwind Retail" in text(other.get(link))


def test_staff_who_are_invited_become_nobodys_member(browser: Browser, customer: Customer, staff: User) -> None:
    invite(browser, customer, staff.email)
    other = Browser()
    other.force_login(staff)
    assert other.post(links()[0]).status_code == 403
    assert not staff.memberships.exists()
    with pytest.raises(MembershipError):
        invitations.accept_invitation(Invitation.objects.get(), staff)
    assert Invitation.objects.get().state == "open"


def test_invitation_says_nobody_whether_there_is_an_account(
    browser: Browser, customer: Customer, charlie: User, staff: User
) -> None:
    said = [
        text(invite(browser, customer, email)).replace(email, "…")
        for email in (charlie.email, staff.email, "nobody@else.example")
    ]
    notes = [re.findall(r"The invitation is on its way to …\.", page) for page in said]
    assert notes == [["The invitation is on its way to …."]] * 3
    listed = [
        re.findall(r'class="table__head">(\S+@\S+)</td>.*?>(Viewer)</td>.*?</svg>(\w+)</span>', page) for page in said
    ]
    assert {row[1:] for page in listed for row in page} == {("Viewer", "Waiting")}


def test_link_expires_and_is_sent_again(browser: Browser, customer: Customer) -> None:
    invite(browser, customer)
    [first] = links()
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        browser.force_login(User.objects.get(name="Alice"))
        late = Browser().get(first)
        assert (late.status_code, "It has expired: invitations are valid for a week." in text(late)) == (410, True)
        assert ">Expired</span>" in text(browser.get("/people"))
        browser.post(f"/people/invitations/{Invitation.objects.get().pk}/resend")
        first_again, second = links()
        assert (first_again, Browser().get(first).status_code, Browser().get(second).status_code) == (first, 404, 200)


def test_newer_link_replaces_one_that_is_not_sent_yet(browser: Browser, customer: Customer, alice: User) -> None:
    invite(browser, customer)
    Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    invitations.resend_invitation(Invitation.objects.get(), actor=Actor(alice))
    assert (len(links()), len(links())) == (0, 1)
    assert sorted(Delivery.objects.values_list("state", "reason")) == [
        ("delivered", ""),
        ("superseded", "a newer link was sent"),
    ]


def test_invitation_is_not_sent_twice_in_a_minute(browser: Browser, customer: Customer) -> None:
    invite(browser, customer)
    assert f"A link for {DORA} was created just now. Try again in a minute." in text(invite(browser, customer))
    assert (Invitation.objects.count(), len(links())) == (1, 1)


def test_revoked_link_opens_nothing(browser: Browser, customer: Customer, link: str) -> None:
    answer = browser.post(f"/people/invitations/{Invitation.objects.get().pk}/revoke", follow=True)
    assert "no longer works" in text(answer)
    assert (Browser().get(link).status_code, Browser().post(link, NEW).status_code) == (410, 410)
    invite(browser, customer)
    assert Browser().get(links()[-1]).status_code == 200


def test_revoked_invitation_that_waits_is_not_sent(browser: Browser, customer: Customer, alice: User) -> None:
    invite(browser, customer)
    invitations.revoke_invitation(Invitation.objects.get(), actor=Actor(alice))
    assert links() == []


def test_link_of_an_organisation_that_is_off_opens_nothing(link: str) -> None:
    Customer.objects.update(is_active=False)
    assert Browser().post(link, NEW).status_code == 410


def test_two_who_use_the_link_at_once_join_once(customer: Customer, alice: User) -> None:
    dora = User.objects.create_user(DORA, rows.PASSWORD)
    invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    first, second = Invitation.objects.get(), Invitation.objects.get()
    invitations.accept_invitation(first, dora)
    with pytest.raises(InvitationClosedError):
        invitations.accept_invitation(second, dora)
    assert dora.memberships.count() == 1


def test_organisation_has_fifty_open_invitations_at_most(customer: Customer, alice: User) -> None:
    for number in range(50):
        invitations.send_invitation(customer, f"p{number}@northwind.example", "viewer", actor=Actor(alice))
    with pytest.raises(InvitationError, match="There are 50 open invitations"):
        invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))


def test_one_of_the_people_is_not_invited_again(browser: Browser, customer: Customer, bob: User) -> None:
    assert "bob@northwind.example already has access." in text(invite(browser, customer, bob.email))


def test_addresses_of_those_who_never_came_are_forgotten(customer: Customer, alice: User) -> None:
    invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=29))
    invitations.delete_expired()
    assert Invitation.objects.count() == 1
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=31))
    invitations.delete_expired()
    assert Invitation.objects.count() == 0


def test_link_is_sealed_in_the_database(customer: Customer, alice: User) -> None:
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    token = invitation.link_token
    stored = str([*Invitation.objects.values(), *Delivery.objects.values(), *AuditEntry.objects.values()])
    assert (len(token), token in stored) == (32, False)


# Who may


def test_viewer_sees_the_people_and_changes_nothing(
    client: Browser, customer: Customer, alice: User, bob: User
) -> None:
    client.force_login(bob)
    page = text(client.get("/people"))
    assert ("alice@northwind.example" in page, "Invite someone" in page, "/remove" in page) == (True, False, False)
    membership = alice.memberships.get()
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    posts = [
        ("/people/invite", {"organisation": customer.pk, "email": DORA, "role": "viewer"}),
        (f"/people/{membership.pk}/role", {"role": "viewer"}),
        (f"/people/{membership.pk}/remove", {}),
        (f"/people/invitations/{invitation.pk}/resend", {}),
        (f"/people/invitations/{invitation.pk}/revoke", {}),
    ]
    assert [client.post(url, form).status_code for url, form in posts] == [403] * 5
    assert (Membership.objects.count(), Invitation.objects.get().state) == (2, "open")


def test_people_of_another_organisation_are_not_found(
    client: Browser, customer: Customer, alice: User, charlie: User
) -> None:
    client.force_login(charlie)
    assert "alice" not in text(client.get("/people"))
    membership = alice.memberships.get()
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    posts = [
        ("/people/invite", {"organisation": customer.pk, "email": DORA, "role": "viewer"}),
        (f"/people/{membership.pk}/role", {"role": "viewer"}),
        (f"/people/{membership.pk}/remove", {}),
        (f"/people/invitations/{invitation.pk}/resend", {}),
        (f"/people/invitations/{invitation.pk}/revoke", {}),
    ]
    assert [client.post(url, form).status_code for url, form in posts] == [404] * 5
    assert client.get(f"/people/{membership.pk}/remove").status_code == 404


def test_person_is_removed_after_a_page_that_says_what_it_means(browser: Browser, bob: User, alice: User) -> None:
    url = f"/people/{bob.memberships.get().pk}/remove"
    assert "Bob can no longer see connections and orders of Northwind Retail." in text(browser.get(url))
    assert bob.memberships.exists()
    assert "no longer has access" in text(browser.post(url, follow=True))
    assert not bob.memberships.exists()
    assert acts() == [("membership.removed", alice.email, bob.email)]


def test_last_administrator_is_told_and_stays(browser: Browser, alice: User, bob: User) -> None:
    url = f"/people/{alice.memberships.get().pk}/remove"
    assert "You are the last administrator of Northwind Retail" in text(browser.get(url))
    assert "the last administrator of Northwind Retail" in text(browser.post(url, follow=True))
    assert alice.memberships.exists()
    browser.post(f"/people/{bob.memberships.get().pk}/role", {"role": "administrator"})
    assert browser.post(url, follow=True).status_code == 200
    assert not alice.memberships.exists()
    assert "Your account belongs to no organisation" in text(browser.get("/"))


# By staff


def test_staff_invite_from_the_customers_page(staff_browser: Browser, customer: Customer) -> None:
    page = f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}"
    assert f"{page}/invite/" in text(staff_browser.get(f"{page}/change/"))
    assert "Enter a valid email address." in text(
        staff_browser.post(f"{page}/invite/", {"email": "dora", "role": "viewer"})
    )
    answer = staff_browser.post(f"{page}/invite/", {"email": DORA, "role": "administrator"}, follow=True)
    assert f"The invitation is on its way to {DORA}." in text(answer)
    assert acts() == [("invitation.sent", "stella@vendor.example", DORA)]
    assert "stella" not in links()[0] + mail.outbox[0].body
    refused = staff_browser.post(f"{page}/invite/", {"email": DORA, "role": "administrator"})
    assert f"A link for {DORA} was created just now." in text(refused)


def test_first_person_of_a_customer_is_invited_as_an_administrator(staff_browser: Browser, customer: Customer) -> None:
    page = f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}/invite/"
    rows.make_user(customer, "bob@northwind.example", role="viewer")
    assert '<option value="administrator" selected>' in text(staff_browser.get(page))
    rows.make_user(customer, "alice@northwind.example")
    assert '<option value="viewer" selected>' in text(staff_browser.get(page))


def test_invitation_ends_when_staff_add_the_person(staff_browser: Browser, customer: Customer, alice: User) -> None:
    invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    person = {"email": "Dora@northwind.example", "name": "Dora", "customer": customer.pk, "role": "viewer"}
    staff_browser.post("/admin/integrations/user/add/", person)
    assert Membership.objects.filter(person__email=DORA, customer=customer).exists()
    assert Invitation.objects.get().state == "revoked"
    assert ("invitation.revoked", "stella@vendor.example", DORA) in acts()


def test_staff_revoke_and_send_again(staff_browser: Browser, customer: Customer, alice: User) -> None:
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    page = f"/admin/integrations/invitation/{invitation.pk.replace('_', '_5F')}"
    assert f"A link for {DORA} was created just now." in text(staff_browser.post(f"{page}/act/resend/", follow=True))
    Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=1))
    assert "A new link is on its way" in text(staff_browser.post(f"{page}/act/resend/", follow=True))
    assert "no longer works" in text(staff_browser.post(f"{page}/act/revoke/", follow=True))
    assert Invitation.objects.get().state == "revoked"


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_staff_invite_by_role(role: str, customer: Customer) -> None:
    browser = Browser()
    browser.force_login(rows.make_user(None, "sam@vendor.example", role=role))
    page = f"/admin/integrations/customer/{customer.pk.replace('_', '_5F')}/invite/"
    assert browser.post(page, {"email": DORA, "role": "viewer"}).status_code == 403
    assert not Invitation.objects.exists()
