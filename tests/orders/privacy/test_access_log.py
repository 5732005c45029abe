"""Access log of a candidate (S14 in tests/reliability/README.md)."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from integrations.audit import SYSTEM
from integrations.models import AuditEntry, Client, Connection, User
from orders import attachments
from orders.privacy import access_log, erasure, offboarding
from tests import rows
from tests.orders import bodies
from tests.orders.admin.test_orders import page_of
from tests.orders.test_attachments import PDF

pytestmark = pytest.mark.django_db
EMAIL = "ada@lovelace.example"
GRACE = {"id": "x", "email": "grace@hopper.example"}
ORDERS = "/api/vendor/v1/orders"


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
    stella = "stella@vendor.example from 127.0.0.1"
    seen = [
        ["opened the order's page", order.pk, stella],
        ["exported the candidate's data", order.pk, stella],
    ]
    assert saw() == saw(EMAIL.upper()) == seen
    erasure.erase(EMAIL)
    assert saw() == [*seen, ["erased the candidate", order.pk, "the portal, or another system"]]
    assert saw("nobody@vendor.example") == []


def test_list_view_is_one_entry_that_names_its_orders_and_no_person(
    package: Any, connection: Connection, alice: User, client: Browser
) -> None:
    orders = [bodies.place_order(connection, candidate=GRACE), bodies.place_order(connection)]
    client.force_login(alice)
    client.get("/orders")
    client.post("/orders", {"q": "lovelace"}, follow=True)
    client.head("/orders")
    both, one = AuditEntry.objects.filter(action__startswith="orders.").order_by("pk")
    ids = [order.pk for order in reversed(orders)]
    assert (both.subject, both.detail) == (connection.customer_id, {"orders": ids})
    assert (one.action, one.detail) == ("orders.searched", {"orders": [orders[1].pk]})
    who = "alice@northwind.example from 127.0.0.1"
    assert saw() == [["listed orders", ids[0], who], ["searched in the list of orders", ids[0], who]]
    assert saw(GRACE["email"]) == [["listed orders", ids[1], who]]


def test_list_without_a_candidate_has_no_entry(connection: Connection, alice: User, client: Browser) -> None:
    client.force_login(alice)
    client.get("/orders")
    assert not AuditEntry.objects.filter(action="orders.listed").exists()


def test_search_by_address_names_the_orders_that_it_found(
    package: Any, connection: Connection, staff_browser: Browser
) -> None:
    order = bodies.place_order(connection)
    staff_browser.post("/admin/orders/order/find/", {"q": EMAIL})
    assert saw() == [["searched by the email address", order.pk, "stella@vendor.example from 127.0.0.1"]]


def test_search_by_address_takes_no_get(package: Any, connection: Connection, staff_browser: Browser) -> None:
    """Its URL would have the address, and it would not be recorded."""
    order = bodies.place_order(connection)
    page = staff_browser.get("/admin/orders/order/", {"q": EMAIL}).content.decode()
    assert (f">{order.pk}<" in page, "0 found" in page, saw()) == (False, True, [])


def test_preview_is_recorded_once_while_somebody_types(
    package: Any, connection: Connection, staff_browser: Browser, time_machine: Any
) -> None:
    order = bodies.place_order(connection)
    preview = page_of(order).replace("change", "report/preview")
    start = timezone.now()
    for minutes in (0, 9, 11):
        time_machine.move_to(start + timedelta(minutes=minutes))
        assert staff_browser.post(preview, {"score_label": "Good"}).status_code == 200
    assert saw() == [["previewed a result", order.pk, "stella@vendor.example from 127.0.0.1"]] * 2


def test_link_to_a_report_is_recorded_once_a_day_for_each_network_and_person(
    package: Any, connection: Connection, alice: User, client: Browser, time_machine: Any
) -> None:
    order = bodies.place_order(connection)
    report, _ = attachments.add_file(order.pk, PDF, name="report.pdf", by="engine")
    link, ips = f"/files/{report.link_token}", ("203.0.113.9", "203.0.113.9", "2001:db8::1", "2001:db8::2")
    client.head(link, REMOTE_ADDR="203.0.113.7")
    for ip in ips:
        client.get(link, REMOTE_ADDR=ip)
    time_machine.move_to(timezone.now() + timedelta(days=1, minutes=1))
    client.get(link, REMOTE_ADDR=ips[0])
    client.force_login(alice)
    client.get(link, REMOTE_ADDR=ips[0])
    how, nobody = ["opened a report by its link", order.pk], "not signed in from"
    who = [f"{nobody} {ips[0]}", f"{nobody} {ips[2]}", f"{nobody} {ips[0]}", f"{alice.email} from {ips[0]}"]
    assert saw() == [[*how, each] for each in who]


@pytest.mark.django_db(transaction=True)
def test_engine_is_recorded_once_a_day_for_each_order(
    package: Any, connection: Connection, api: Any, time_machine: Any
) -> None:
    order = bodies.place_order(connection)

    def read(token: str) -> None:
        engine = api(token)
        assert engine.get(ORDERS).status_code == engine.get(f"{ORDERS}/{order.pk}").status_code == 200

    token = rows.make_token()
    read(token)
    other = bodies.place_order(connection)
    with CaptureQueriesContext(database) as queries:
        read(token)
        read(token)
    assert sum("INSERT" in query["sql"] for query in queries) == 1
    time_machine.move_to(timezone.now() + timedelta(days=1))
    read(rows.make_token())
    entries = AuditEntry.objects.filter(action="orders.read").order_by("pk")
    first, second = Client.objects.order_by("pk").values_list("client_id", flat=True)
    assert [(entry.actor_name, entry.subject, entry.detail["orders"]) for entry in entries] == [
        ("engine engine", first, [order.pk]),
        ("engine engine", first, [other.pk]),
        ("engine engine", second, [other.pk, order.pk]),
    ]
    how = "was given the order's data by the API"
    assert saw()[-1] == [how, ", ".join(sorted([order.pk, other.pk])), f"engine engine ({second}) from 127.0.0.1"]


def test_refused_engine_has_seen_nothing(package: Any, connection: Connection, engine: APIClient) -> None:
    order = bodies.place_order(connection)
    assert engine.get(f"{ORDERS}/{order.pk}/candidate").status_code == 202
    assert engine.patch(f"{ORDERS}/{order.pk}/result", {"status": "NO"}).status_code == 422
    assert engine.delete(f"{ORDERS}/{order.pk}/attachments/att_none").status_code == 404
    assert saw() == []


def test_candidates_erased_with_their_customer_or_by_retention_are_still_found(
    package: Any, connection: Connection, staff_browser: Browser
) -> None:
    order = bodies.place_order(connection)
    staff_browser.get(page_of(order))
    offboarding.offboard(connection.customer, io.BytesIO())
    assert [line[:2] for line in saw()] == [
        ["opened the order's page", order.pk],
        ["exported the customer's orders", order.pk],
        ["erased the candidate", order.pk],
    ]


def test_many_orders_are_split_over_entries(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "MAX_ORDERS_PER_ENTRY", 2)
    access_log.record_orders("orders.listed", "northwind", ["ord_a", "ord_b", "ord_c"], actor=SYSTEM)
    entries = AuditEntry.objects.order_by("pk").values_list("detail", flat=True)
    assert list(entries) == [{"orders": ["ord_a", "ord_b"]}, {"orders": ["ord_c"]}]


def test_memory_of_reads_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_remembered_reads", set())
    monkeypatch.setattr(access_log, "MAX_REMEMBERED_READS", 3)
    for start in (0, 2, 4):
        access_log._remember_reads([(start,), (start + 1,)])
    assert access_log._remembered_reads == {(4,), (5,)}


def test_command_needs_an_address() -> None:
    with pytest.raises(CommandError, match="Give the candidate's email address"):
        call_command("who_saw", "ada")


def test_nobody_is_said_where_nobody_saw_a_candidate(db: None) -> None:
    out, told = io.StringIO(), io.StringIO()
    call_command("who_saw", "nobody@lovelace.example", stdout=out, stderr=told)
    assert (out.getvalue(), told.getvalue()) == (
        "",
        f"Nobody: the audit log has no entry about a candidate with this email address.\n{access_log.NOT_RECORDED}\n",
    )
