"""New passwords: hard to guess, also for those who know the person, the organisation and the brand."""

from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client as Browser

from integrations.accounts import passwords
from integrations.audit import Actor
from integrations.customers import invitations
from integrations.models import Customer, User
from tests import rows
from tests.integrations.accounts.test_sign_in import text

pytestmark = pytest.mark.django_db
FROM_THE_NOTES = [
    *("123456789012", "aaaaaaaaaaaa", "abcdefghijkl", "passwordpassword", "Password1234!", "P@ssw0rd1234"),
    *("iloveyou1234", "letmeinletmein", "Summer2026!!", "assessments2026", "smartrecruiters1"),
]
COMMON = [
    *("1qaz2wsx3edc", "qwertyuiop12", "thisismypassword", "liverpoolfc1892", "abcd1234abcd", "TestTestTest1!"),
    *("qwertz123456", "Passwort1234!", "0192837465ab", "administrator1", "changeme12345", "Winter2025!!!"),
]
OF_CONTEXT = [
    *("Northwind2026!", "NorthwindRetail1!", "@lic3N0rthw1nd!", "alice-northwind", "1Northwind!2026", "Alice-Moore-1"),
    *("Assessments!2026", "SmartRecruiters-1", "Sommer2026!!", "Januar2026!!", "partnerside2026", "dniwhtron2026"),
]
GOOD = [
    *(rows.PASSWORD, "a horse of another colour", "quiet lamp river", "kV9#mQ2xLp7!", "schreibtisch regen ofen"),
    *(
        "x7-northwind-Qp4-lamp",
        "  spaces around  the kettle ",
        "ключ от старой двери",
        "lamp river quiet " * 20,
    ),
]


@pytest.fixture
def person(alice: User) -> User:
    alice.name = "Alice Moore"
    alice.save()
    return alice


def refusals(password: str, user: User | None) -> list[str]:
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [each.code for each in error.error_list]
    return []


@pytest.mark.parametrize("password", [*FROM_THE_NOTES, *COMMON])
def test_common_password_is_refused(password: str) -> None:
    assert refusals(password, None) == ["password_too_easy"]


@pytest.mark.parametrize("password", OF_CONTEXT)
def test_password_of_words_of_context_is_refused(person: User, password: str) -> None:
    assert "password_too_easy" in refusals(password, person)


@pytest.mark.parametrize("password", GOOD)
def test_good_password_is_taken(person: User, password: str) -> None:
    assert refusals(password, person) == []


def test_words_of_one_person_do_not_count_for_another(person: User, charlie: User) -> None:
    """Although the library keeps them in a global dictionary."""
    assert refusals("Northwind-Moore-26", person) == ["password_too_easy"]
    words = [*passwords.list_context_words(charlie)]
    assert ("northwind" in words, "harbourclinics" in words, "moore" in words) == (False, True, False)
    assert refusals("Northwind-Moore-26", charlie) == []


def test_brand_is_a_word_of_context(settings: Any) -> None:
    assert refusals("Zyxglorb-Zyxglorb-26", None) == []
    settings.BRAND_NAME = "Zyxglorb"
    assert refusals("Zyxglorb-Zyxglorb-26", None) == ["password_too_easy"]


def test_form_says_what_to_do(client: Browser, alice: User) -> None:
    client.force_login(alice)
    form = {"oldpassword": rows.PASSWORD, "password1": "Summer2026!!", "password2": "Summer2026!!"}
    page = text(client.post("/accounts/password/change/", form))
    assert passwords.TOO_EASY in page
    alice.refresh_from_db()
    assert alice.check_password(rows.PASSWORD)


def test_invited_person_may_not_use_the_organisation_either(client: Browser, customer: Customer, alice: User) -> None:
    invitation = invitations.send_invitation(customer, "dora@elsewhere.example", "viewer", actor=Actor(alice))
    path = f"/invitations/{invitation.link_token}"
    form = {"name": "Dora", "password1": "NorthwindRetail1!", "password2": "NorthwindRetail1!"}
    assert passwords.TOO_EASY in text(client.post(path, form))
    assert not User.objects.filter(email="dora@elsewhere.example").exists()
