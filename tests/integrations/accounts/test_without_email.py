"""Without EMAIL_URL, emails go to the log with redacted links, pages say so, and staff pass links on."""

import re
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client as Browser

from integrations import mail
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import AuditEntry, Customer, Invitation, User
from integrations.outbox import courier
from integrations.outbox.models import Attempt, Delivery, Stream
from orders import timeline
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)
DORA = "dora@northwind.example"
UNSENT = "written to the log and not sent: no mail server is set (EMAIL_URL)"


@pytest.fixture(autouse=True)
def _no_mail(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def page_of(row: Customer | Invitation) -> str:
    return f"/admin/integrations/{row._meta.model_name}/{quote(row.pk)}"


def test_staff_hand_the_link_over(staff_browser: Browser, customer: Customer) -> None:
    ask = f"{page_of(customer)}/invite/"
    assert f"Emails are {UNSENT}." in text(staff_browser.get(ask))
    answer = staff_browser.post(ask, {"email": DORA, "role": "administrator"}, follow=True)
    invitation = Invitation.objects.get()
    assert answer.redirect_chain == [(f"{page_of(invitation)}/change/", 302)]
    assert f"The invitation for {DORA} was created, but emails are not set up yet: pass the link on yourself." in text(
        answer
    )
    assert invitations.invitation_url(invitation) not in text(answer)
    shown = text(staff_browser.post(f"{page_of(invitation)}/act/link/"))
    [link] = re.findall(r"http://localhost:8000(/invitations/[^\s<]+)", shown)
    assert f"Join {customer}" in text(Browser().get(link))
    assert list(AuditEntry.objects.filter(action__startswith="invitation.").values_list("action", "actor_name")) == [
        ("invitation.link_shown", "stella@vendor.example"),
        ("invitation.sent", "stella@vendor.example"),
    ]


def test_link_is_for_administrators_and_open_invitations(customer: Customer, alice: User, staff: User) -> None:
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    support = Browser()
    support.force_login(rows.make_user(None, "sam@vendor.example", role="support"))
    assert support.post(f"{page_of(invitation)}/act/link/").status_code == 403
    invitations.revoke_invitation(invitation, actor=Actor(alice))
    staff_browser = Browser()
    staff_browser.force_login(staff)
    assert "/invitations/" not in text(staff_browser.post(f"{page_of(invitation)}/act/link/", follow=True))


def test_link_is_not_shown_where_mail_is_sent(
    staff_browser: Browser, customer: Customer, alice: User, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    invitation = invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    assert "Show link" not in text(staff_browser.get(f"{page_of(invitation)}/change/"))
    assert "/invitations/" not in text(staff_browser.post(f"{page_of(invitation)}/act/link/", follow=True))


def test_customers_are_told_whom_to_ask(client: Browser, customer: Customer, alice: User, settings: Any) -> None:
    client.force_login(alice)
    form = {"organisation": customer.pk, "email": DORA, "role": "viewer"}
    said = f"emails are not set up yet: ask {settings.BRAND_NAME} for the link."
    assert said in text(client.post("/people/invite", form, follow=True))


def test_delivery_says_that_nobody_got_it(
    staff_browser: Browser, customer: Customer, alice: User, capsys: pytest.CaptureFixture[str]
) -> None:
    invitations.send_invitation(customer, DORA, "viewer", actor=Actor(alice))
    courier.run(Stream.objects.get(name="email").pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason, Attempt.objects.get().response) == ("delivered", UNSENT, UNSENT)
    assert UNSENT in text(staff_browser.get("/admin/outbox/delivery/"))
    [line] = timeline.merge_entries([], [delivery])
    assert line["what"] == f"The invitation of a user was {UNSENT}"
    assert mail.get_unsent_note() == UNSENT


@pytest.mark.parametrize(("is_loopback", "said"), [(True, []), (False, [f"emails are {UNSENT}"])])
def test_readiness_names_it_where_others_reach_the_portal(is_loopback: bool, said: list[str], settings: Any) -> None:
    settings.IS_LOOPBACK = is_loopback
    assert Browser().get("/readyz").json()["degraded"] == said
