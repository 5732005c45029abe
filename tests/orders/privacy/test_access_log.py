"""Access log of a candidate (S14 in tests/reliability/README.md)."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from integrations.models import Connection
from orders.privacy import erasure, erasure_log
from tests.orders import bodies
from tests.orders.admin.test_orders import page_of

pytestmark = pytest.mark.django_db
EMAIL = "ada@lovelace.example"


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Any) -> None:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"


def saw(email: str = EMAIL) -> list[list[str]]:
    out = io.StringIO()
    call_command("who_saw", email, stdout=out)
    return [re.split("  +", line)[1:] for line in out.getvalue().splitlines()]


def test_everybody_who_saw_a_candidate_is_named_before_and_after_an_erasure(
    package: Any, connection: Connection, staff_browser: Browser
) -> None:
    order = bodies.place_order(connection)
    other = bodies.place_order(connection, candidate={"id": "x", "email": "grace@hopper.example"})
    for each in (order, other):
        staff_browser.get(page_of(each))
    staff_browser.post(f"/admin/orders/order/{order.pk}/act/export/", {"reason": "He asked for it."})
    whose, stella = erasure_log.make_pseudonym(EMAIL), "stella@vendor.example from 127.0.0.1"
    seen = [["order.viewed", order.pk, stella], ["candidate.exported", whose, stella]]
    assert saw() == saw(EMAIL.upper()) == seen
    erasure.erase(EMAIL)
    assert saw() == [*seen, ["candidate.erased", whose, "system or unknown"]]
    assert saw("nobody@vendor.example") == []


def test_command_needs_an_address() -> None:
    with pytest.raises(CommandError, match="Give the candidate's email address"):
        call_command("who_saw", "ada")


def test_nobody_is_said_where_nobody_saw_a_candidate(db: None) -> None:
    out, told = io.StringIO(), io.StringIO()
    call_command("who_saw", "nobody@lovelace.example", stdout=out, stderr=told)
    assert (out.getvalue(), told.getvalue()) == (
        "",
        "Nobody: the audit log has no entry about a candidate with this email address.\n",
    )
