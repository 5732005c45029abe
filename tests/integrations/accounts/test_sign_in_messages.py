"""Messages of the pages around login are true for each reader."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser

from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import Customer, User
from tests import rows
from tests.integrations.accounts.test_sign_in import SIGN_IN, sign_in, text
from tests.mailbox import deliver_emails
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
NEW = "a horse of another colour"
RULES = "At least twelve characters that are hard to guess: not a common password, and not made of your name"


def link_of_reset(browser: Browser, person: User) -> str:
    browser.post("/accounts/password/reset/", {"email": person.email})
    lines = deliver_emails()[-1].body.splitlines()
    return next(line for line in lines if line.startswith("http")).removeprefix(settings.PUBLIC_URL)


def test_reset_is_said_once_and_its_used_link_claims_nothing(client: Browser, alice: User) -> None:
    link = link_of_reset(client, alice)
    form = client.get(link)["Location"]
    page = text(client.get(form))
    assert (RULES in page, "<ul>" in page, "Repeat password</label>" in page, "again)" in page) == (
        True,
        False,
        True,
        False,
    )
    done = text(client.post(form, {"password1": NEW, "password2": NEW}, follow=True))
    assert done.count("Your password was changed") == 2  # in the title and in the heading
    assert "successfully" not in done
    over = text(Browser().get(link))
    assert ("This link no longer works" in over, "as it was" in over) == (True, False)


def test_changed_password_is_said_at_sign_in(client: Browser, alice: User) -> None:
    client.force_login(alice)
    assert RULES in text(client.get("/accounts/password/change/"))
    form = {"oldpassword": rows.PASSWORD, "password1": NEW, "password2": NEW}
    page = text(client.post("/accounts/password/change/", form, follow=True))
    assert "Your password was changed. Sign in with the new one." in page


def test_second_tab_of_sign_in_goes_on_to_what_was_wanted(alice: User) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(alice)
    for wanted, place in (("/people", "/people"), ("https://evil.example/", "/"), ("", "/")):
        assert sign_in(browser, alice.email, next=wanted)["Location"] == place
    stranger = Browser(enforce_csrf_checks=True)
    answer = sign_in(stranger, alice.email)
    assert (answer.status_code, "This page has expired" in text(answer)) == (403, True)


def test_used_invitation_leads_on_whoever_is_signed_in(client: Browser, customer: Customer, alice: User) -> None:
    invitation = invitations.send_invitation(customer, "new@northwind.example", "viewer", actor=Actor(alice))
    link = f"/invitations/{invitation.link_token}"
    form = {"name": "Noor", "password1": NEW, "password2": NEW}
    client.post(link, form)
    page = text(client.get(link))
    assert ("You are signed in as new@northwind.example." in page, "If you accepted it" in page) == (True, False)
    assert "If you accepted it" in text(Browser().get(link))
    assert client.get("/accounts/2fa/totp/activate/").status_code == 200  # the password was chosen just now


def test_page_that_asks_once_more_has_a_way_back(client: Browser, alice: User) -> None:
    client.force_login(alice)
    forget_proof(client)
    page = text(client.get("/accounts/2fa/totp/activate/", follow=True))
    assert ("Confirm it’s you" in page, '<a href="/accounts/2fa/">Cancel</a>' in page) == (True, True)


def test_sign_in_without_a_page_that_was_wanted_is_for_everybody(client: Browser) -> None:
    assert "For customers, and for the staff of Assessments." in text(client.get(SIGN_IN))


@pytest.mark.parametrize(
    ("language", "said"), [("de", "Seite nicht gefunden"), ("fr", "Page not found"), ("en", "Page not found")]
)
def test_stranger_is_told_in_his_language_that_there_is_nothing(client: Browser, language: str, said: str) -> None:
    page = client.get("/nonsense", headers={"Accept-Language": language})
    told = "de" if language == "de" else "en"
    assert (page.status_code, said in text(page), page["Content-Language"]) == (404, True, told)
    assert f'<html lang="{told}"' in text(page)


def test_who_is_signed_in_is_told_in_the_language_of_the_pages(client: Browser, alice: User) -> None:
    client.force_login(alice)
    assert "Page not found" in text(client.get("/nonsense", headers={"Accept-Language": "de"}))


def test_mistyped_link_of_a_consent_leads_back_to_smartrecruiters(client: Browser) -> None:
    page: Any = client.get("/smartrecruiters/integration/half-a-key")
    assert (page.status_code, "Start again from SmartRecruiters" in text(page)) == (404, True)
