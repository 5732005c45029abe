"""Users are notified by email when their password or second factor changes."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client as Browser

from integrations.accounts import emails
from integrations.models import Customer, User
from integrations.outbox.models import Delivery
from tests import rows
from tests.integrations.accounts.test_mfa import AT, code_of, signed_in_and_sure
from tests.mailbox import deliver_emails

pytestmark = pytest.mark.django_db
NEW = "a horse of another colour"
SUBJECT = "Your Assessments account was changed"
IF_NOT = "If this was not you, choose a new password now"


def told(person: User) -> list[str]:
    """Send the emails and return the sentence of each that says what changed."""
    notices = [each for each in deliver_emails() if each.subject == SUBJECT]
    assert all(each.to == [person.email] and IF_NOT in each.body for each in notices)
    return [each.body.splitlines()[2].partition(" This happened on ")[0] for each in notices]


def change(browser: Browser, former: str, new: str) -> Any:
    form = {"oldpassword": former, "password1": new, "password2": new}
    return browser.post("/accounts/password/change/", form)


def test_change_of_the_password_is_told(client: Browser, alice: User) -> None:
    client.force_login(alice)
    change(client, "wrong", NEW)
    assert told(alice) == []
    change(client, rows.PASSWORD, NEW)
    assert told(alice) == ["Your password was changed."]


def test_reset_of_the_password_is_told(client: Browser, alice: User) -> None:
    client.post("/accounts/password/reset/", {"email": alice.email})
    [letter] = deliver_emails()
    link = next(line for line in letter.body.splitlines() if line.startswith("http")).removeprefix(settings.PUBLIC_URL)
    form = client.get(link)["Location"]
    client.post(form, {"password1": NEW, "password2": NEW})
    assert told(alice) == ["Your password was changed."]


def test_changes_of_the_second_factor_are_told(
    client: Browser, alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    signed_in_and_sure(client, alice)
    secret = client.get(f"{AT}/totp/activate/").context["form"].secret
    code = {"code": code_of(secret)}
    for page, form in (("totp/activate", code), ("recovery-codes/generate", {}), ("totp/deactivate", {})):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(f"{AT}/{page}/", form)
    said = told(alice)
    assert said[0] == "An authenticator app was set up for your account."
    assert said[-1] == "Your authenticator app was switched off."
    assert set(said[1:-1]) == {"New recovery codes were created; the previous ones no longer work."}


def test_removal_of_a_passkey_is_told(client: Browser, alice: User) -> None:
    signed_in_and_sure(client, alice)
    passkey = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Laptop"})
    client.post(f"{AT}/webauthn/keys/{passkey.pk}/remove/")
    assert told(alice) == ["A passkey was removed."]


def test_notice_speaks_the_organisations_language_and_keeps_no_address(alice: User) -> None:
    Customer.objects.update(language="de")
    emails.notify_change("webauthn_added", alice)
    [delivery] = Delivery.objects.all()
    assert alice.email not in str([*Delivery.objects.values()])
    [letter] = deliver_emails()
    assert letter.subject == "Ihr Konto bei Assessments wurde geändert"
    assert "Ein Passkey wurde hinzugefügt. Das geschah am " in letter.body
    assert f"{settings.PUBLIC_URL}/accounts/password/reset/" in letter.body
    assert (delivery.kind, Delivery.objects.get().payload["sealed"]) == ("account_notice", "")
