"""An administrator of staff takes a lost second factor away, with a reason, and the person is told."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client as Browser

from integrations.models import AuditEntry, Customer, User
from tests import rows
from tests.integrations.accounts.test_emails import SUBJECT, told
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.mailbox import deliver_emails
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
REASON = "Called her at the office number."


@pytest.fixture(autouse=True)
def _factors(alice: User, bob: User) -> None:
    """Give Alice an app, a passkey and recovery codes, and Bob an app."""
    for user in (alice, bob):
        TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(alice)
    Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Key", "credential": {}})


def page_of(user: User) -> str:
    return f"/admin/integrations/user/{user.pk}/act/remove-second-factor/"


def remove(browser: Browser, user: User, reason: str = REASON) -> Any:
    return browser.post(page_of(user), {"reason": reason}, follow=True)


def test_lost_factor_is_taken_away(staff_browser: Browser, client: Browser, alice: User, bob: User) -> None:
    assert sign_in(client, alice.email)["Location"] == "/accounts/2fa/authenticate/"
    assert "call them on a number that you know" in text(staff_browser.get(page_of(alice)))
    assert "The second factor of alice@northwind.example was removed." in text(remove(staff_browser, alice))
    assert [each.user for each in Authenticator.objects.all()] == [bob]
    assert sign_in(Browser(), alice.email)["Location"] == "/"
    entry = AuditEntry.objects.get(action="sign_in.second_factor_removed")
    assert (entry.subject, entry.actor_name, entry.detail) == (
        str(alice.pk),
        "stella@vendor.example",
        {"name": "alice@northwind.example", "reason": REASON},
    )


def test_person_is_told_and_signed_out(staff_browser: Browser, alice: User) -> None:
    signed_in = Browser()
    signed_in.force_login(alice)
    remove(staff_browser, alice)
    assert signed_in.get("/").status_code == 302
    said = "Your second factor was removed because it was reported lost, and you were signed out everywhere."
    assert told(alice) == [said]


def test_person_is_told_in_german(staff_browser: Browser, alice: User) -> None:
    Customer.objects.update(language="de")
    remove(staff_browser, alice)
    [message] = deliver_emails()
    assert "Ihr zweiter Faktor wurde entfernt, weil er als verloren gemeldet wurde" in message.body


def test_person_sets_up_a_new_one_where_it_is_required(staff_browser: Browser, client: Browser, alice: User) -> None:
    Customer.objects.update(requires_second_factor=True)
    remove(staff_browser, alice)
    sign_in(client, alice.email)
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/accounts/2fa/"


@pytest.mark.parametrize("reason", ["", "   "])
def test_reason_is_needed(staff_browser: Browser, alice: User, reason: str) -> None:
    assert "Nothing was changed. Enter a reason first." in text(remove(staff_browser, alice, reason))
    assert Authenticator.objects.filter(user=alice).count() == 3


def test_it_asks_again_who_acts(staff_browser: Browser, alice: User) -> None:
    forget_proof(staff_browser)
    assert staff_browser.post(page_of(alice), {"reason": REASON})["Location"] == "/accounts/reauthenticate/"
    assert Authenticator.objects.filter(user=alice).count() == 3


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_only_administrators_do(client: Browser, alice: User, role: str) -> None:
    client.force_login(rows.make_user(None, "victor@vendor.example", role=role))
    assert remove(client, alice).status_code == 403
    assert Authenticator.objects.filter(user=alice).count() == 3


def test_it_is_not_offered_where_there_is_none(staff_browser: Browser, charlie: User) -> None:
    assert "Remove second factor" not in text(staff_browser.get(f"/admin/integrations/user/{charlie.pk}/change/"))
    assert "This person has no second factor." in text(remove(staff_browser, charlie))
    assert [message for message in deliver_emails() if message.subject == SUBJECT] == []
