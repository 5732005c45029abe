"""Offboarding of a customer (S15 in tests/reliability/README.md)."""

import io
import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from rest_framework.test import APIClient

from integrations.models import AuditEntry, Connection, Customer, RefusedCall, User
from orders import attachments
from orders.models import Order
from tests import rows
from tests.orders import bodies
from tests.orders.privacy.test_erasure import bodies_pdf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.PORTAL_DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "files"
    return tmp_path


def offboard(customer: Customer, path: Path) -> Any:
    out = io.StringIO()
    call_command("offboard_customer", customer.pk, "--output", str(path), stdout=out)
    return json.loads(out.getvalue())


def test_customer_is_cut_off_its_data_returned_and_erased(
    package: Any,
    customer: Customer,
    connection: Connection,
    other_connection: Connection,
    smartrecruiters: APIClient,
    alice: User,
    folder: Path,
) -> None:
    order, others = bodies.place_order(connection), bodies.place_order(other_connection)
    report, _ = attachments.add_file(order.pk, bodies_pdf(), name="report.pdf", by="engine")
    browser = Browser()
    browser.force_login(alice)
    certificate = offboard(customer, folder / "data.zip")
    assert {**certificate, "at": ""} == {
        "customer": customer.pk,
        "name": "Northwind Retail",
        "at": "",
        "connections": 1,
        "orders": 1,
        "files": 1,
        "candidates_left": 0,
    }
    assert (smartrecruiters.get("/smartrecruiters/packages").status_code, browser.get("/").status_code) == (401, 302)
    archive = zipfile.ZipFile(folder / "data.zip")
    assert sorted(archive.namelist()) == [f"files/{report.pk}/report.pdf", f"orders/{order.pk}.json"]
    assert json.loads(archive.read(f"orders/{order.pk}.json"))["candidate_email"] == "ada@lovelace.example"
    assert stat.S_IMODE((folder / "data.zip").stat().st_mode) == 0o600
    emails = dict(Order.objects.values_list("pk", "candidate_email"))
    assert emails == {order.pk: "", others.pk: "ada@lovelace.example"}
    entry = AuditEntry.objects.get(action="customer.offboarded")
    assert (entry.subject, entry.detail) == (customer.pk, {"connections": 1, "orders": 1, "files": 1, "left": 0})


def test_refused_calls_are_returned_and_deleted(
    connection: Connection, other_connection: Connection, folder: Path
) -> None:
    rows.make_refused_call(errors="candidate: required")
    others = rows.make_refused_call(company_id="harbour-clinics")
    offboard(connection.customer, folder / "data.zip")
    [row] = json.loads(zipfile.ZipFile(folder / "data.zip").read("refused_calls.json"))
    assert {key: row[key] for key in ("company_id", "order_id", "errors", "count")} == {
        "company_id": "northwind",
        "order_id": "order-1",
        "errors": "candidate: required",
        "count": 2,
    }
    assert [*RefusedCall.objects.values_list("pk", flat=True)] == [others.pk]


def test_customer_that_left_is_left_again_with_nothing(customer: Customer, folder: Path) -> None:
    offboard(customer, folder / "first.zip")
    again = offboard(customer, folder / "second.zip")
    assert (again["connections"], again["orders"]) == (0, 0)


def test_nothing_is_done_where_the_data_cannot_be_written(connection: Connection, folder: Path) -> None:
    (folder / "data.zip").touch()
    with pytest.raises(CommandError, match="Nothing was done"):
        offboard(connection.customer, folder / "data.zip")
    with pytest.raises(CommandError, match="no customer with this id"):
        call_command("offboard_customer", "cus_unknown", "--output", str(folder / "other.zip"))
    connection.refresh_from_db()
    assert (connection.state, (folder / "other.zip").exists()) == ("live", False)
