"""Administrators must confirm a change of their own role, which they cannot undo."""

import pytest
from django.test import Client as Browser

from integrations.models import Customer, Membership, User
from tests import rows
from tests.integrations.accounts.test_sign_in import text

pytestmark = pytest.mark.django_db


def role_of(person: User) -> str:
    return Membership.objects.get(person=person).role


def test_stepping_down_is_asked_for(client: Browser, customer: Customer, alice: User, bob: User) -> None:
    second = rows.make_user(customer, "dora@northwind.example", name="Dora")
    mine, others = (Membership.objects.get(person=person).pk for person in (alice, second))
    client.force_login(alice)
    people = text(client.get("/people"))
    assert f'href="/people/{mine}/role">Make viewer…' in people
    assert f'action="/people/{others}/role"' in people
    assert f'action="/people/{mine}/role"' not in people
    page = text(client.get(f"/people/{mine}/role"))
    assert "Make yourself a viewer?" in page
    assert "You cannot undo this yourself" in page
    assert role_of(alice) == "administrator"
    client.post(f"/people/{mine}/role", {"role": "viewer"})
    assert role_of(alice) == "viewer"


def test_last_administrator_is_told_before(client: Browser, alice: User, bob: User) -> None:
    mine = Membership.objects.get(person=alice).pk
    client.force_login(alice)
    page = text(client.get(f"/people/{mine}/role"))
    assert "You are the last administrator of Northwind Retail" in page
    assert "Make viewer</button>" not in page


def test_page_of_a_viewer_asks_for_the_other_role(client: Browser, alice: User, bob: User) -> None:
    client.force_login(alice)
    page = text(client.get(f"/people/{Membership.objects.get(person=bob).pk}/role"))
    assert "Make bob@northwind.example an administrator?" in page
    assert "cannot undo this" not in page
