"""Multi-factor authentication: secrets at rest, and login. Passkeys in a browser are in test_browser.py."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client as Browser

from integrations.accounts.mfa.adapter import MFAAdapter
from integrations.models import AuditEntry, User
from tests import rows
from tests.integrations.accounts.test_sign_in import sign_in, text
from tests.reauthentication import forget_proof

pytestmark = pytest.mark.django_db
AT = "/accounts/2fa"


def code_of(secret: str) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def signed_in_and_sure(browser: Browser, user: User) -> None:
    sign_in(browser, user.email)
    browser.post("/accounts/reauthenticate/", {"password": rows.PASSWORD})


@pytest.fixture
def secret(staff: User) -> str:
    """Give Stella an authenticator app and recovery codes."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(staff, secret)
    RecoveryCodes.activate(staff)
    return secret


def test_code_signs_in_once(client: Browser, staff: User, secret: str) -> None:
    code = code_of(secret)
    for browser, place in ((client, "/admin/"), (Browser(), "")):
        assert sign_in(browser, staff.email)["Location"] == f"{AT}/authenticate/"
        assert browser.post(f"{AT}/authenticate/", {"code": code}).get("Location", "") == place


def activate_app(browser: Browser, user: User) -> str:
    """Set an app up and return the code that did."""
    signed_in_and_sure(browser, user)
    code = code_of(browser.get(f"{AT}/totp/activate/").context["form"].secret)
    assert browser.post(f"{AT}/totp/activate/", {"code": code}).status_code == 302
    return code


def test_code_that_set_the_app_up_signs_nobody_in(client: Browser, staff: User, time_machine: Any) -> None:
    time_machine.move_to("2026-11-24T08:00:00Z", tick=False)
    code = activate_app(client, staff)
    seen = Browser()
    sign_in(seen, staff.email)
    for spelling in (code, f"{code[:3]} {code[3:]}", f" {code} "):
        assert "This code is wrong" in text(seen.post(f"{AT}/authenticate/", {"code": spelling}))
    time_machine.shift(30)
    fresh = code_of(MFAAdapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]))
    assert seen.post(f"{AT}/authenticate/", {"code": fresh})["Location"] == "/admin/"


def test_code_that_set_the_app_up_confirms_nobody(client: Browser, staff: User, time_machine: Any) -> None:
    time_machine.move_to("2026-11-24T08:00:00Z", tick=False)
    code = activate_app(client, staff)
    assert "This code is wrong" in text(client.post(f"{AT}/reauthenticate/", {"code": code}))


def test_recovery_code_signs_in_once(client: Browser, staff: User, secret: str) -> None:
    code = RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes()[0]
    for browser, place in ((client, "/admin/"), (Browser(), "")):
        sign_in(browser, staff.email)
        assert browser.post(f"{AT}/authenticate/", {"code": code}).get("Location", "") == place


def test_guesser_of_codes_is_stopped(client: Browser, staff: User, secret: str) -> None:
    sign_in(client, staff.email)
    answers = [client.post(f"{AT}/authenticate/", {"code": f"{number:06}"}) for number in range(12)]
    assert answers[-1].status_code == 429 or "Too many" in text(answers[-1])


def test_database_shows_no_secret(staff: User, secret: str) -> None:
    stored = str([*Authenticator.objects.values_list("data", flat=True)])
    seed = MFAAdapter().decrypt(Authenticator.objects.get(type="recovery_codes").data["seed"])
    assert (secret in stored, seed in stored) == (False, False)


def test_changes_are_written_down(client: Browser, alice: User, django_capture_on_commit_callbacks: Any) -> None:
    signed_in_and_sure(client, alice)
    page = client.get(f"{AT}/totp/activate/")
    secret = page.context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        client.post(f"{AT}/totp/activate/", {"code": code_of(secret)})
    client.post(f"{AT}/totp/deactivate/")
    found = AuditEntry.objects.filter(action__startswith="sign_in.totp").order_by("pk")
    assert [(each.action, each.subject, each.actor) for each in found] == [
        ("sign_in.totp_activated", str(alice.pk), alice),
        ("sign_in.totp_deactivated", str(alice.pk), alice),
    ]


def test_change_of_a_second_factor_wants_the_password_again(client: Browser, alice: User) -> None:
    client.force_login(alice)
    forget_proof(client)
    for page in ("totp/activate", "webauthn/add"):
        assert client.get(f"{AT}/{page}/")["Location"].startswith("/accounts/reauthenticate/")


def test_passkey_is_made_for_the_public_name(rf: Any, settings: Any) -> None:
    from allauth.core import context

    settings.ALLOWED_HOSTS = ["*"]
    settings.PUBLIC_HOST = "portal.vendor.example"
    names = []
    for settings.IS_LOOPBACK in (True, False):
        with context.request_context(rf.get("/", HTTP_HOST="localhost:8000")):
            names.append(MFAAdapter().get_public_key_credential_rp_entity()["id"])
    assert names == ["localhost", "portal.vendor.example"]


LOOSE = '{{"id": "aaaa", "rawId": "aaaa", "type": "public-key", "response": {{"clientDataJSON": "{}", {}}}}}'
SHORT = '"authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "MQ"'
ODD = [
    *("{}", "[]", "null", '{"id": 1}', '{"id": "x", "rawId": "x"}', "1e999", "NaN", '"x"'),
    *("[" * 100_000, '{"a":' * 50_000, "9" * 5000, '{"id": 1, "id": 2}', '{"id": "\\u0000"}', "x" * 100_000),
    *(LOOSE.format("eyJ0eXBlIjoieCJ9", SHORT), LOOSE.format("////", SHORT)),
    *(LOOSE.format("eyJ0eXBlIjoieCJ9", f'"attestationObject": "{text}"') for text in ("AAAA", "v____w", "")),
]


@pytest.mark.parametrize("credential", ["", '{"response": {"userHandle": "x"}}', "{", *ODD])
def test_broken_passkey_is_refused(client: Browser, alice: User, credential: str) -> None:
    client.get(f"{AT}/webauthn/login/", headers={"Accept": "application/json"})
    answer = client.post(f"{AT}/webauthn/login/", {"credential": credential})
    assert (answer.status_code, answer.get("Location")) == (302, "/accounts/login/")
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("credential", ODD)
def test_broken_passkey_is_not_added(client: Browser, alice: User, credential: str) -> None:
    signed_in_and_sure(client, alice)
    client.get(f"{AT}/webauthn/add/")
    assert client.post(f"{AT}/webauthn/add/", {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ODD)
def test_broken_passkey_makes_nobody_sure(client: Browser, alice: User, credential: str) -> None:
    Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Key", "credential": {}})
    sign_in(client, alice.email)
    page = f"{AT}/webauthn/reauthenticate/"
    assert client.post(page, {"credential": credential}).status_code < 500


def test_passkeys_of_others_are_not_found(client: Browser, alice: User, bob: User) -> None:
    theirs = Authenticator.objects.create(user=bob, type="webauthn", data={"name": "Bob's", "credential": {}})
    signed_in_and_sure(client, alice)
    answers = [client.get(f"{AT}/webauthn/keys/{theirs.pk}/{act}/").status_code for act in ("remove", "edit")]
    assert answers == [404, 404]


def test_second_factor_of_staff_may_be_a_passkey(client: Browser, staff: User, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    Authenticator.objects.create(user=staff, type="webauthn", data={"name": "Key", "credential": {}})
    client.force_login(staff)
    assert client.get("/admin/").status_code == 200


def test_customers_need_no_second_factor(client: Browser, alice: User, settings: Any) -> None:
    settings.STAFF_MFA = "required"
    assert sign_in(client, alice.email)["Location"] == "/"
    assert rows.PASSWORD not in text(client.get("/"))
