"""Users are notified by email when their password or second factor changes."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client as Browser

from integrations.accounts import emails
from integrations.models import Customer, User
from integrations.outbox.models import Delivery
from tests import rows
from tests.integrations.accounts.test_mfa import AT, code_of, signed_in_and_sure
from tests.integrations.accounts.test_sign_in import sign_in
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


# The former address


def rename(browser: Browser, user: User, **fields: str) -> int:
    """Change a person in admin and return the status."""
    form = {"email": user.email, "name": user.name, "staff_role": user.staff_role, "is_active": "on"}
    form |= {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    status: int = browser.post(f"/admin/integrations/user/{user.pk}/change/", form | fields).status_code
    return status


def test_change_of_the_address_is_told_at_the_former_one(staff_browser: Browser, alice: User) -> None:
    assert rename(staff_browser, alice, email="eve@evil.example") == 302
    [letter] = deliver_emails()
    assert (letter.to, letter.subject) == (["alice@northwind.example"], SUBJECT)
    assert letter.body.splitlines()[2].startswith(
        "The email address of your account was changed. This one no longer signs in. This happened on "
    )
    assert "contact an administrator of your organisation or the staff of Assessments at once." in letter.body
    assert ("choose a new password" in letter.body, "http" in letter.body) == (False, False)
    assert "Choose a new password" not in str(letter.alternatives)


def test_change_of_the_address_is_told_in_german(staff_browser: Browser, alice: User) -> None:
    Customer.objects.update(language="de")
    rename(staff_browser, alice, email="alice.moore@northwind.example")
    [letter] = deliver_emails()
    assert "Die E-Mail-Adresse Ihres Kontos wurde geändert." in letter.body
    assert "wenden Sie sich sofort an eine Administratorin" in letter.body


@pytest.mark.parametrize("fields", [{"name": "Alice Moore"}, {"email": "ALICE@northwind.example"}, {}])
def test_same_address_is_no_change(staff_browser: Browser, alice: User, fields: dict[str, str]) -> None:
    assert rename(staff_browser, alice, **fields) == 302
    assert deliver_emails() == []


def test_former_address_no_longer_signs_in(staff_browser: Browser, alice: User) -> None:
    """Although allauth keeps a copy of it."""
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    before = sign_in(Browser(), alice.email)
    rename(staff_browser, alice, email="alice.moore@northwind.example")
    after = [sign_in(Browser(), email) for email in ("alice@northwind.example", "alice.moore@northwind.example")]
    assert [answer.status_code for answer in (before, *after)] == [302, 200, 302]
